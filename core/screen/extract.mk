libcore_a_SOURCES += \
	core/screen/pixels.c core/screen/pixels.h \
	core/screen/extract.c core/screen/extract.h \
	core/screen/extract_copy.c core/screen/extract_copy.h \
	core/screen/extract_view.c core/screen/extract_view.h \
	core/screen/patch.c core/screen/patch.h core/screen/patch_impl.h \
	core/screen/patch_file.c \
	core/screen/patch_flaw.c core/screen/patch_flaw.h \
	core/screen/patch_fit.c \
	core/screen/patch_gaussian.c \
	core/screen/patch_local.c core/screen/patch_local.h \
	core/screen/register.c core/screen/register.h \
	core/screen/settings.c core/screen/settings.h
