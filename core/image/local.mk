# sources of core/image
