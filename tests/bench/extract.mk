# What smaller bases cost and tell on this machine; BASE: another than the one inside the program. Nothing is kept.
.PHONY: bench-extract
bench-extract: assay
	env -u HOME -u XDG_CACHE_HOME ./assay base extract --measure --base $(or $(BASE),embedded)

bench: bench-extract
