bin_PROGRAMS += assay
assay_SOURCES = app/main.c
assay_LDADD = $(CORE_LIBS)
