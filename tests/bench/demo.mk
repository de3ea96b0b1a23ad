# What is found with no label at all in the demo's pictures, scene by scene. FLAGS: see bench_demo.c.
check_PROGRAMS += bench_demo
bench_demo_SOURCES = tests/bench/bench_demo.c tests/bench/must.h tests/bench/extracted.h
bench_demo_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir)
bench_demo_LDADD = $(CORE_LIBS)

.PHONY: bench-demo
bench-demo: bench_demo$(EXEEXT) assay$(EXEEXT)
	work=$$(mktemp -d) && ./assay demo "$$work/demo" --no-project --seed 11 --defect-rate 0.12 --json >/dev/null && \
		./bench_demo "$$work/demo" $(FLAGS); rc=$$?; rm -rf "$$work"; exit $$rc
