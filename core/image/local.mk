# sources of core/image
include core/image/demo.mk
