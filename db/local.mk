# db: the one layer that knows SQL.

noinst_LIBRARIES += libdb.a
libdb_a_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir) $(SQLITE_CFLAGS)
libdb_a_SOURCES = \
	db/audit.c db/audit_review.c \
	db/acquire.c db/acquire_sql.h \
	db/check.c \
	db/class.c db/class_back.c db/class_back.h \
	db/db.c db/db.h db/handle.h \
	db/export.c \
	db/find.c \
	db/known.c \
	db/backup.c db/hook.c db/log.c \
	db/label.c db/lead.c db/second.c \
	db/live.c \
	db/migrate.c \
	db/model.c \
	db/person.c \
	db/picture.c \
	db/quality.c \
	db/region.c \
	db/queue.c \
	db/report.c db/report_shift.c db/report_sql.h \
	db/relation.c \
	db/revision.c \
	db/round.c db/round_view.c \
	db/strategy.c \
	db/scene.c
