// What webpack has to pack.
