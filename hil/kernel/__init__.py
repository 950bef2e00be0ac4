"""The kernels of the virtual rigs: built or fetched once, then found in a cache."""
