# sources of core/screen
