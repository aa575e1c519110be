import Foundation
import Testing

/// Apache2::Reload's directives, as Nacre::Apache2 understands them: the rows of "Apache2::Reload" in the table of what
/// Nacre takes over from others, in one Apache with one child. Each virtual host has settings of its own.
@Suite(.lane, .enabled(if: Apache.isInstalled, "Apache with mod_perl is not installed"))
struct DirectiveTests {
  /// By name, where the module lies.
  private static let modules = [
    "Plain": "lib/Plain.pm", "Reg": "lib/Reg.pm", "Foo::A": "lib/Foo/A.pm", "Foobar": "lib/Foobar.pm",
    "In1": "project1/deep/In1.pm", "In10": "project10/In10.pm", "Hooked": "hooked/Hooked.pm",
    "ByEnv": "byenv/ByEnv.pm", "BySet": "byset/BySet.pm", "ByUse": "byuse/ByUse.pm",
  ]

  private static func source(_ module: String, _ version: Int) -> String {
    """
    package \(module);\(module == "Reg" ? " use Apache2::Reload;" : "")
    use constant SIZE => \(version);
    sub text { '\(version)' } 1;
    """
  }

  private static let handler = #"""
    package Show;
    use Apache2::RequestIO (); use Apache2::RequestRec (); use Apache2::Const -compile => 'OK';
    our @modules = qw(Plain Reg Foo::A Foobar In1 In10 Hooked ByEnv BySet ByUse);
    unshift @INC, sub {
      my (undef, $key) = @_;
      if ($key eq 'Hooked.pm') { $INC{$key} = "SITE/hooked/$key"; open my $from, '<', $INC{$key} or die; return $from }
      if ($key eq 'Referred.pm') { $INC{$key} = \my $x; return \'package Referred; sub text { 0 } 1;' }
      return;
    };
    eval "require $_; 1" or die $@ for @modules, 'Referred';
    require 'bare.pl';
    sub handler {
      my $r = shift;
      my $do = $r->args // '';
      Apache2::Reload->unregister_module('Plain') if $do eq 'unregister';
      Apache2::Reload->register_module('Plain') if $do eq 'register';
      $r->print(join ' ', bare(), map { $_->text } @modules);
      return Apache2::Const::OK;
    }
    1;
    """#

  private static let configuration = """
    PerlSetEnv PERL5LIB SITE/byset
    PerlModule Nacre::Apache2
    PerlRequire SITE/startup.pl
    PerlModule Show
    <Location />
    SetHandler modperl
    PerlResponseHandler Show
    </Location>
    <Location /status>
    PerlResponseHandler Nacre::Apache2::Status
    </Location>
    <VirtualHost *:PORT>
    ServerName all
    PerlInitHandler Nacre::Apache2
    PerlSetVar ReloadDebug On
    </VirtualHost>
    <VirtualHost *:PORT>
    ServerName modules
    PerlInitHandler Apache2::Reload
    PerlSetVar ReloadAll Off
    PerlSetVar ReloadModules "Foo::*  Plain"
    </VirtualHost>
    <VirtualHost *:PORT>
    ServerName registered
    PerlInitHandler Nacre::Apache2
    PerlSetVar ReloadAll Off
    </VirtualHost>
    <VirtualHost *:PORT>
    ServerName directories
    PerlInitHandler Nacre::Apache2
    PerlSetVar ReloadDirectories "SITE/project1/ SITE/hooked"
    </VirtualHost>
    <VirtualHost *:PORT>
    ServerName narrowed
    PerlInitHandler Nacre::Apache2
    PerlSetVar ReloadDirectories "SITE/lib"
    PerlSetVar ReloadAll Off
    PerlSetVar ReloadModules "Foo* In1"
    </VirtualHost>
    <VirtualHost *:PORT>
    ServerName touch
    PerlInitHandler Nacre::Apache2
    PerlSetVar ReloadTouchFile SITE/touch
    </VirtualHost>
    <VirtualHost *:PORT>
    ServerName listed
    PerlInitHandler Nacre::Apache2
    PerlSetVar ReloadAll Off
    PerlSetVar ReloadModules Foobar
    PerlSetVar ReloadTouchFile SITE/listed
    </VirtualHost>
    <VirtualHost *:PORT>
    ServerName constants
    PerlInitHandler Nacre::Apache2
    PerlSetVar ReloadConstantRedefineWarnings On
    </VirtualHost>
    <VirtualHost *:PORT>
    ServerName byname
    PerlInitHandler Nacre::Apache2
    PerlSetVar ReloadByModuleName On
    PerlSetVar ReloadAll Off
    PerlSetVar ReloadModules "Foo::A"
    </VirtualHost>
    <VirtualHost *:PORT>
    ServerName untouched
    </VirtualHost>
    """

  /// Saves every module with this version.
  private func save(_ version: Int, in site: Site) throws {
    for (module, file) in Self.modules { try site.write(file, Self.source(module, version)) }
    try site.write("lib/bare.pl", "sub bare { \(version) } 1;")
  }

  private func makeSite() throws -> Site {
    let site = try Site(["lib/Show.pm": "", "startup.pl": ""])
    try site.write("lib/Show.pm", Self.handler.replacingOccurrences(of: "SITE", with: site.path))
    try site.write("startup.pl", "use lib map { '\(site.path)/' . $_ } qw(byuse project1/deep project10); 1;")
    try save(1, in: site)
    return site
  }

  private func run(_ body: (Apache, (Int) throws -> Void) throws -> Void) throws {
    let site = try makeSite()
    try Apache.run(site, environment: ["PERL5LIB": site.path + "/byenv"], Self.configuration) { apache in
      try body(apache) { try save($0, in: site) }
    }
  }

  // bare.pl, Plain, Reg, Foo::A, Foobar, In1, In10, Hooked, ByEnv, BySet, ByUse

  @Test func directivesOfApache2ReloadMeanWhatTheyMeanThere() throws {
    try run { apache, save in
      #expect(try apache.text(host: "all") == "1 1 1 1 1 1 1 1 1 1 1")
      try save(2)
      #expect(try apache.text(host: "untouched") == "1 1 1 1 1 1 1 1 1 1 1")
      // ReloadAll Off alone: what says `use Apache2::Reload`.
      #expect(try apache.text(host: "registered") == "1 1 2 1 1 1 1 1 1 1 1")
      // Names and wildcards; Foo::* is what lies below Foo::.
      #expect(try apache.text(host: "modules") == "1 2 2 2 1 1 1 1 1 1 1")
      // By path component; a module whose hook has stored its path counts.
      #expect(try apache.text(host: "directories") == "1 2 2 2 1 2 1 2 1 1 1")
      try save(3)
      // Both: directories, and in them these modules.
      #expect(try apache.text(host: "narrowed") == "1 2 3 3 3 2 1 2 1 1 1")
      // All that is in %INC: files without a package, PERL5LIB, PerlSetEnv PERL5LIB, use lib.
      #expect(try apache.text(host: "all") == "3 3 3 3 3 3 3 3 3 3 3")
    }
  }

  @Test func aTouchFileDecidesWhen() throws {
    try run { apache, save in
      try save(2)
      // Missing: nothing is reloaded.
      #expect(try apache.text(host: "touch") == "1 1 1 1 1 1 1 1 1 1 1")
      // Created later counts, whatever its time says.
      try apache.site.write("touch.new", "")
      try apache.site.setModified("touch.new", 1_000_000_000_000_000_000)
      try apache.site.rename("touch.new", to: "touch")
      #expect(try apache.text(host: "touch") == "2 2 2 2 2 2 2 2 2 2 2")
      try save(3)
      #expect(try apache.text(host: "touch") == "2 2 2 2 2 2 2 2 2 2 2")
      try apache.site.setModified("touch", 1_000_000_001_000_000_000)
      #expect(try apache.text(host: "touch") == "3 3 3 3 3 3 3 3 3 3 3")
      // Touched although nothing had changed: the next change waits for the next touch.
      try apache.site.setModified("touch", 1_000_000_002_000_000_000)
      #expect(try apache.text(host: "touch") == "3 3 3 3 3 3 3 3 3 3 3")
      try save(4)
      #expect(try apache.text(host: "touch") == "3 3 3 3 3 3 3 3 3 3 3")
      // The first line names modules, in the place of ReloadModules; registered ones count as ever.
      try apache.site.write("listed", "In10 Hooked\nPlain\n")
      #expect(try apache.text(host: "listed") == "3 3 4 3 3 3 4 4 3 3 3")
      try apache.site.write("listed", "")
      try apache.site.setModified("listed", 1_000_000_000_000_000_000)
      #expect(try apache.text(host: "listed") == "3 3 4 3 4 3 4 4 3 3 3")
    }
  }

  @Test func unregisteringWinsUntilRegisteredAgain() throws {
    try run { apache, save in
      _ = try apache.text("/?unregister", host: "untouched")
      try save(2)
      #expect(try apache.text(host: "modules") == "1 1 2 2 1 1 1 1 1 1 1")
      #expect(try apache.text(host: "all") == "2 1 2 2 2 2 2 2 2 2 2")
      _ = try apache.text("/?register", host: "untouched")
      #expect(try apache.text(host: "registered") == "2 2 2 2 2 2 2 2 2 2 2")
    }
  }

  @Test func aFailedReloadIsToldAndTheOldCodeAnswers() throws {
    try run { apache, save in
      try save(2)
      try apache.site.write("lib/Foobar.pm", "package Foobar;\nsub text { '3' \n1;")
      #expect(try apache.text(host: "all") == "1 1 1 1 1 1 1 1 1 1 1")
      #expect(apache.errors.contains("Nacre: the old code runs on: syntax error at"), "\(apache.errors)")
      #expect(apache.errors.contains("at \(apache.site.path)/lib/Foobar.pm line 3"), "\(apache.errors)")
      let told = apache.errors.components(separatedBy: "the old code runs on").count
      let status = try apache.text("/status?auto", host: "all")
      #expect(status.contains("Result: failed") && status.contains("Differs: Foobar.pm"), "\(status)")
      #expect(status.contains("Foobar.pm line 3"), "\(status)")
      #expect(apache.errors.components(separatedBy: "the old code runs on").count == told, "told once")
      try apache.site.write("lib/Foobar.pm", Self.source("Foobar", 4))
      #expect(try apache.text(host: "all") == "2 2 2 2 4 2 2 2 2 2 2")
      let repaired = try apache.text("/status?auto", host: "all")
      #expect(repaired.contains("Generation: 2\n") && repaired.contains("Reloaded: Foobar.pm"), "\(repaired)")
      #expect(repaired.contains("Watching: inotify") && !repaired.contains("Problem"), "\(repaired)")
      let page = try apache.ask("/status", host: "all")
      #expect(page["Content-Type"] == "text/html; charset=utf-8" && page.text.contains("<td>Foobar.pm</td>"))
      // ReloadDebug: each step with file, reason, result.
      let site = apache.site.path
      #expect(apache.errors.contains("\(site)/lib/Plain.pm has changed: Plain.pm is loaded again (ReloadAll)"))
      #expect(apache.errors.contains("reloading Plain.pm from \(site)/lib/Plain.pm"))
    }
  }

  @Test func constantsWarnOnlyIfAsked() throws {
    try run { apache, save in
      try save(2)
      _ = try apache.text(host: "all")
      #expect(!apache.errors.contains("redefined"), "\(apache.errors)")
      try save(3)
      _ = try apache.text(host: "constants")
      #expect(apache.errors.contains("Nacre: Constant subroutine Foo::A::SIZE redefined"), "\(apache.errors)")
    }
  }

  @Test func byModuleNameLooksThroughTheIncludePathAgain() throws {
    try run { apache, save in
      // Before lib/Foo/A.pm in @INC, where nothing of that name was before.
      try apache.site.write("byenv/Foo/A.pm", Self.source("Foo::A", 7))
      try apache.site.write("byset/Foo/A.pm", Self.source("Foo::A", 7))
      try apache.site.write("byuse/Foo/A.pm", Self.source("Foo::A", 7))
      try save(2)
      #expect(try apache.text(host: "byname") == "1 1 2 7 1 1 1 1 1 1 1")
    }
  }
}
