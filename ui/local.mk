noinst_LIBRARIES += libui.a
libui_a_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir) $(NCURSES_CFLAGS) $(SIXEL_CFLAGS) $(ZLIB_CFLAGS)
libui_a_SOURCES = \
	ui/answer.c \
	ui/braille.c ui/braille.h \
	ui/classes.c \
	ui/compare.c \
	ui/compose.c ui/compose.h \
	ui/draw.c ui/draw.h \
	ui/find.c \
	ui/flow.c ui/flow.h ui/flow_model.c ui/flow_settings.c ui/flow_training.c ui/flow_work.c \
	ui/grid.c ui/grid_draw.c \
	ui/input.c \
	ui/knowledge.c ui/knowledge.h \
	ui/log.c ui/second.c \
	ui/kitty.c ui/kitty.h \
	ui/keymap.c ui/keymap.h ui/keymap_file.c ui/keymap_impl.h ui/keymap_text.c ui/keys.h \
	ui/marks.c ui/marks.h \
	ui/palette.c ui/palette.h \
	ui/panel.c \
	ui/picture.c \
	ui/popup.c \
	ui/prefetch.c ui/prefetch.h \
	ui/regions.c ui/regions.h ui/regions_draw.c ui/regions_edit.c ui/regions_mouse.c \
	ui/results.c \
	ui/review.c ui/review.h ui/review_view.c \
	ui/script.c \
	ui/session.h \
	ui/sixel.c ui/sixel.h \
	ui/symbols.c ui/symbols.h \
	ui/term.c ui/term.h \
	ui/terminfo.c ui/terminfo.h \
	ui/theme.c \
	ui/view.c ui/view.h
