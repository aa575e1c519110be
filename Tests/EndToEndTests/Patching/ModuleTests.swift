import Foundation
import Testing

/// `Nacre.pm` outside of the nacre server.
@Suite(.lane) struct ModuleTests {
  @Test func loadsFromTheBuildTree() throws {
    let run = try Patched.run(["-MNacre", "-e", "print Nacre->generation, ' ', defined Nacre->check ? 1 : 0"])
    #expect(run.end == .code(0) && run.output == "1 0", "\(run)")
  }

  @Test func loadsWithoutItsLibraryAndSaysSoWhenItIsNeeded() throws {
    let site = try Site(["run.pl": "use Nacre; print 'runs'; eval { Nacre->check; 1 } or print ' ', $@;"])
    let lib = site.path + "/perl"
    try FileManager.default.copyItem(atPath: Products.sourceTree + "/perl/lib", toPath: lib)
    let run = try Command.run([Products.perl, "-I", lib, site.path + "/run.pl"])
    #expect(run.output.hasPrefix("runs Nacre.so is missing: run `make install PERL="), "\(run)")
  }

  @Test func aModuleInALibraryDirectoryIsReloadedOnceRegistered() throws {
    // The directory counts as one of perl's own because its name ends so.
    let site = try Site([
      "perl-base/Reg.pm": "package Reg; use Nacre; sub f { 'one' } 1;",
      "perl-base/Not.pm": "package Not; sub f { 'one' } 1;",
      "perl-base/By.pm": "package By; sub f { 'one' } 1;",
      "run.pl": #"""
      use Nacre; use Reg; use Not; use By;
      Nacre->register_module('By');
      for my $word (qw(two three)) {
        for my $file (qw(Reg Not By)) {
          open my $to, '>', "perl-base/$file.pm" or die; print $to "package $file; use Nacre; sub f { '$word' } 1;"; close $to;
        }
        Nacre->check;
        print Reg::f(), Not::f(), By::f(), "\n";
        Nacre->unregister_module('Reg');
      }
      """#,
    ])
    let run = try Patched.run(["run.pl"], include: [site.path + "/perl-base"], directory: site.path)
    #expect(run.output == "twoonetwo\ntwoonethree\n", "\(run)")
  }

  @Test func reloadsByNameWhatHasNotChanged() throws {
    let site = try Site([
      "lib/A.pm": "package A; our $loads++; sub f { $loads } 1;",
      "run.pl": #"""
      use Nacre; use A; my $report = Nacre->reload('A');
      print A::f(), " @{$report->{reloaded}} $report->{ok} ", Nacre->last_reload == $report, ' ', defined Nacre->reload('No') ? 1 : 0;
      """#,
    ])
    let run = try Patched.run(["run.pl"], include: [site.path + "/lib"], directory: site.path)
    #expect(run.output == "2 A.pm 1 1 0", "\(run)")
  }

  @Test func whatWasLoadedBeforeIsAdoptedAndCountsAsChangedIfItIsNewerThanTheProgram() throws {
    let site = try Site([
      "lib/A.pm": "package A; sub f { 'one' } 1;", "lib/B.pm": "package B; sub f { 'one' } 1;",
      "run.pl": #"""
      use A; use B;
      open my $to, '>', 'lib/A.pm' or die; print $to "package A; sub f { 'two' } 1;"; close $to;
      utime $^T + 2, $^T + 2, 'lib/A.pm';
      require Nacre; Nacre->import;
      Nacre->check;
      print A::f(), B::f();
      open $to, '>', 'lib/B.pm' or die; print $to "package B; sub f { 'three' } 1;"; close $to;
      Nacre->check;
      print A::f(), B::f();
      """#,
    ])
    let run = try Patched.run(["run.pl"], include: [site.path + "/lib"], directory: site.path)
    #expect(run.output == "twoonetwothree", "\(run)")
  }

  @Test func seesChangesWithoutInotify() throws {
    let site = try Site([
      "lib/A.pm": "package A; sub f { 'one' } 1;",
      "run.pl": #"""
      use Nacre; use A; Nacre->check; print Nacre::Patching::means(), ' ';
      open my $to, '>', 'lib/A.pm' or die; print $to "package A; sub f { 'two' } 1;"; close $to;
      Nacre->check;
      print A::f();
      """#,
    ])
    let plain = try Patched.run(["run.pl"], include: [site.path + "/lib"], directory: site.path)
    #expect(plain.output == "inotify two", "\(plain)")
    guard InotifyLimit.isPossible else { return }
    try site.write("lib/A.pm", "package A; sub f { 'one' } 1;")
    let library = "NACRE_LIBRARY=\(Products.directory)/libNacre.so"
    let run = try Command.run(
      InotifyLimit.command(["max_inotify_instances": 0]) + [
        "/usr/bin/env", library, Products.perl, "-I", Products.sourceTree + "/perl/lib", "-I", site.path + "/lib",
        "run.pl",
      ], directory: site.path)
    #expect(run.output == "stat two", "\(run)")
  }
}
