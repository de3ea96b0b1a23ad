dist_man_MANS += doc/assay.1
EXTRA_DIST += README.md doc/ARCHITECTURE.md doc/BENCHMARKS.md doc/review-xterm.png doc/review-tmux.png
