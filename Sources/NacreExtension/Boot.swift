import CPerl

/// Called by DynaLoader through `boot_Nacre` in C.
@_cdecl("nacre_boot")
func boot() {}
