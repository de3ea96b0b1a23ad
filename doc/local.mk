dist_man_MANS += doc/assay.1
EXTRA_DIST += README.md doc/ARCHITECTURE.md doc/BENCHMARKS.md doc/METHOD.md doc/review-xterm.png doc/review-tmux.png \
	doc/view-compare.png doc/view-find.png doc/view-grid.png doc/view-regions.png doc/view-results.png

# The unit that starts `assay watch`, as an example to copy: which user, project and folders is for the machine to say.
unitdir = $(docdir)
unit_DATA = assets/systemd/assay-watch@.service
EXTRA_DIST += assets/systemd/assay-watch@.service.in
CLEANFILES += assets/systemd/assay-watch@.service
assets/systemd/assay-watch@.service: $(top_srcdir)/assets/systemd/assay-watch@.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) assets/systemd && sed 's,[@]bindir[@],$(bindir),g' '$(top_srcdir)/assets/systemd/assay-watch@.service.in' >$@
