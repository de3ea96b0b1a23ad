# Translations. The rules are our own: gettext's would bring a second Makefile, and a catalogue belongs into the build
# tree, where the tests find it as LANGUAGE/LC_MESSAGES/assay.mo.
EXTRA_DIST += po/zh_CN.po po/sources

if ENABLE_NLS
zh_CNdir = $(localedir)/zh_CN/LC_MESSAGES
nodist_zh_CN_DATA = po/zh_CN/LC_MESSAGES/assay.mo
CLEANFILES += $(nodist_zh_CN_DATA)

po/zh_CN/LC_MESSAGES/assay.mo: $(top_srcdir)/po/zh_CN.po
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(MSGFMT) --check -o $@ '$(top_srcdir)/po/zh_CN.po'
endif

# After sentences were written or changed: take them in, then translate what is empty.
.PHONY: update-po
update-po:
	$(SHELL) '$(top_srcdir)/po/sources' '$(top_srcdir)' '$(XGETTEXT)' po.pot
	$(MSGMERGE) --quiet --update --backup=off --no-fuzzy-matching --no-location --no-wrap '$(top_srcdir)/po/zh_CN.po' po.pot
	rm -f po.pot
