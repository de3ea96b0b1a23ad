# app: the only layer that knows both the screen and the database.

bin_PROGRAMS += assay
assay_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir) -DPKGDATADIR=\"$(pkgdatadir)\" $(JANSSON_CFLAGS) -DSYSCONFDIR=\"$(sysconfdir)\"
assay_SOURCES = \
	app/add.c app/add.h app/metadata.c app/truth.c \
	app/app.c app/app.h \
	app/audit.c app/audit.h app/audit_draw.c app/audit_text.c app/cmd_audit.c \
	app/ask.c app/ask.h app/ask_text.c app/ask_thread.c \
	app/cmd_base.c app/cmd_base_train.c app/cmd_base.h app/cmd_base_export.c app/cmd_base_import.c app/cmd_base_list.c \
	app/cmd_base_extract.c app/frontier.c app/frontier.h app/frontier_pictures.c \
	app/calibrate.c app/calibrate.h \
	app/cmd_add.c app/cmd_check.c app/cmd_demo.c app/cmd_evaluate.c app/cmd_export.c \
	app/cmd_init.c app/cmd_keys.c app/cmd_review.c app/cmd_scene.c app/cmd_screen.c app/cmd_status.c app/cmd_watch.c \
	app/follow.c app/follow.h app/follow_file.c app/follow_impl.h \
	app/keys.c app/keys.h \
	app/layout.c app/layout.h \
	app/learned.c app/learned.h \
	app/main.c \
	app/poor.c app/poor.h app/poor_session.c app/poor_session.h \
	app/progress.c app/progress.h \
	app/project.c app/project.h app/project_base.c \
	app/cmd_report.c app/report.c app/report.h app/report_chart.c app/report_html.c app/report_json.c app/report_picture.c \
	app/report_text.c \
	app/coco.h app/coco_read.c app/coco_write.c app/regions.c app/regions.h \
	app/review_audit.c app/review_audit.h app/review_keeper.c app/review_keeper.h app/review_known.c app/review_known.h app/review_regions.c app/review_regions.h app/review_results.c app/review_results.h app/review_scores.c app/review_scores.h \
	app/review_find.c app/review_find.h \
	app/review_answer.c app/review_list.c app/review_news.c app/review_session.c app/review_session_impl.h app/review_session.h \
	app/likely.c app/likely.h app/scoring.c app/scoring.h app/scoring_pending.c \
	app/settings.c app/settings.h app/settings_file.c app/settings_impl.h app/cmd_config.c \
	app/background.c app/background.h app/hook.c app/hook.h app/cmd_hook.c app/cmd_log.c app/log_text.c app/log_text.h app/class_word.c app/class_word.h app/cmd_user.c app/people.h app/archive.c app/archive.h app/archive_read.c app/backup.c app/backup.h app/cmd_backup.c app/agreement.c app/review_lead.c app/review_lead.h \
	app/similar.c app/similar.h app/stored.c app/stored.h \
	app/screening.c app/screening_alone.c app/screening_rests.c app/screening_revision.c app/screening_store.c app/screening.h app/screening_impl.h app/dataset.c \
	app/cmd_simulate.c app/simulate.c app/simulate.h app/simulate_impl.h app/simulate_ask.c app/simulate_copy.c app/simulate_held.c \
	app/simulate_set.c app/simulate_source.c app/simulate_text.c app/simulate_train.c \
	app/cmd_models.c app/cmd_strategies.c app/cmd_train.c app/cmd_worker.c app/worker.c app/worker.h \
	app/review_knowledge.c app/review_knowledge.h app/template.c app/template.h app/template_words.c app/template_words.h \
	app/rounds.c app/rounds.h app/review_flow.c app/review_flow.h app/review_board.c app/review_models.c app/review_settings.c \
	app/industry.c app/industry.h app/promote.c app/promote.h app/prune.c app/prune.h app/train.c app/train.h app/train_data.c app/train_data.h app/trained.c app/trained.h \
	app/watch.c app/watch.h app/watch_lock.c
assay_LDADD = libui.a libdb.a $(CORE_LIBS) $(NCURSES_LIBS) $(SIXEL_LIBS) $(ZLIB_LIBS) $(SQLITE_LIBS)

# Templates of scenes; installed below pkgdatadir, ASSAY_DATADIR names another place.
templatesdir = $(pkgdatadir)/templates
dist_templates_DATA = assets/templates/longwall.json assets/templates/main-transport.json assets/templates/part-appearance.json \
	assets/templates/personnel-safety.json assets/templates/power-line.json assets/templates/rail-vehicle.json \
	assets/templates/tunnelling.json
