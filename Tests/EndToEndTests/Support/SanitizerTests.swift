import Testing

/// What `make test-sanitized` relies on.
@Suite(.lane, .enabled(if: Products.sanitizer != nil, "the programs were not built with the address sanitizer"))
struct SanitizerTests {
  @Test func aProgramThatReadsWhatItMustNotEnds() throws {
    // The sanitizer's own report of a read, called from perl; it goes to standard error, not among those that count.
    let run = try Command.run(
      [
        Products.perl, "-e",
        """
        require Nacre::Patching; Nacre::Patching::begin();
        my $report = DynaLoader::dl_find_symbol(DynaLoader::dl_load_file($ENV{LD_PRELOAD}, 0), '__asan_report_load8');
        DynaLoader::dl_install_xsub('report', $report)->();
        print 'it goes on';
        """,
      ],
      environment: [
        "NACRE_LIBRARY": Products.directory + "/libNacre.so", "PERL5LIB": Products.perlLibrary,
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
      ])
    #expect(run.end != .code(0) && run.output.isEmpty && run.errors.contains("AddressSanitizer"), "\(run)")
  }
}
