# sources of core/nn
