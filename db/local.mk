# db: the one layer that knows SQL.

noinst_LIBRARIES += libdb.a
libdb_a_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir) $(SQLITE_CFLAGS)
libdb_a_SOURCES = \
	db/audit.c db/audit_review.c db/audit.h \
	db/acquire.c db/acquire.h db/acquire_sql.h \
	db/check.c db/check.h \
	db/class.c db/class.h db/class_back.c db/class_back.h db/back.h \
	db/db.c db/project.h db/handle.h \
	db/export.c db/export.h \
	db/find.c db/find.h \
	db/industry.c db/industry.h \
	db/known.c db/known.h \
	db/backup.c db/backup.h db/hook.c db/hook.h db/log.c db/log.h \
	db/label.c db/label.h db/lead.c db/second.c db/second.h \
	db/live.c db/live.h \
	db/migrate.c \
	db/model.c db/model.h \
	db/person.c db/person.h \
	db/picture.c db/picture.h \
	db/quality.c db/quality.h \
	db/region.c db/region.h \
	db/queue.c db/queue.h \
	db/report.c db/report.h db/report_shift.c db/report_sql.h \
	db/relation.c db/relation.h \
	db/revision.c db/revision.h \
	db/round.c db/round.h db/round_view.c \
	db/strategy.c db/strategy.h \
	db/scene.c db/scene.h
