import Foundation
import Testing

/// Nacre::Selective: the rows of "Module::Reload::Selective" in the table of what Nacre takes over from others.
@Suite(.lane) struct SelectiveTests {
  /// A and what it uses; each tells its version.
  private static func files(_ version: Int, in directory: String = "lib") -> [String: String] {
    [
      "\(directory)/A.pm": """
      package A; use B; use base 'Exporter'; our @EXPORT_OK = qw(text);
      use constant SIZE => \(version); our $loads++; sub text { 'a\(version)' . B::text() } 1;
      """,
      "\(directory)/B.pm": "package B; require Shared; our $loads++; sub text { 'b\(version)' } 1;",
    ]
  }

  private func run(
    _ program: String, _ more: [String: String] = [:], variables: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> String {
    var files = Self.files(1).merging(more) { $1 }
    files["lib/Shared.pm"] = "package Shared; our $loads++; 1;"
    files["run.pl"] = "use strict; use warnings; " + program
    let site = try Site(files)
    var environment = ["NACRE_LIBRARY": Products.directory + "/libNacre.so", "SITE": site.path, "USER": "nobody-here"]
    environment.merge(variables) { $1 }
    let run = try Command.run(
      [Products.perl, "-I", Products.sourceTree + "/perl/lib", "-I", site.path + "/lib", site.path + "/run.pl"],
      directory: site.path, environment: environment)
    #expect(run.end == .code(0) && run.errors.isEmpty, "\(run)", sourceLocation: sourceLocation)
    return run.output
  }

  @Test func reloadsWhatAModuleUsesWhateverTheDate() throws {
    let output = try run(
      #"""
      use Nacre::Selective; use A 'text';
      my $address = \&text;
      Module::Reload::Selective->reload('A');
      print text(), " $A::loads $B::loads $Shared::loads ", $address == \&text ? 'same' : 'other';
      open my $to, '>', 'lib/B.pm' or die; print $to q{package B; our $loads++; sub text { 'b2' } 1;}; close $to;
      &Module::Reload::Selective::reload(qw(A Module::Reload::Selective));
      print ' ', text(), " $A::loads $B::loads $Shared::loads";
      """#, variables: ["RLD": "1"])
    #expect(output == "a1b1 2 2 2 same a1b2 3 3 3")
  }

  @Test func withoutTheVariablesItOnlyLoads() throws {
    let output = try run(
      #"""
      use Nacre::Selective;
      my @before = @INC;
      Nacre::Selective->reload('A') for 1, 2;
      print "$A::loads $Nacre::Selective::Debug->{Reload_Disabled_Because} ", "@before" eq "@INC" ? 'same' : 'other';
      A->import('text'); print ' ', text();
      $ENV{DEBUGGING_SERVER} = 1; Nacre::Selective->reload('A'); print " $A::loads";
      delete $ENV{DEBUGGING_SERVER}; Nacre::Selective->reload('A'); print " $A::loads";
      $Module::Reload::Selective::Options->{ReloadOnlyIfEnvVarsSet} = 0; Nacre::Selective->reload('A'); print " $A::loads";
      """#)
    #expect(output == "1 No environment variables were set. same a1b1 2 2 3")
  }

  @Test func developersDirectoriesComeFirstAndTheIncludePathComesBack() throws {
    let more = Self.files(2, in: "first").merging(Self.files(3, in: "home/me/src/lib")) { $1 }
      .merging(Self.files(4, in: "last")) { $1 }
      .merging(["Program.pm": "package Program; sub f { 5 } 1;"]) { $1 }
    let output = try run(
      #"""
      BEGIN { $Module::Reload::Selective::Options->{SearchUserDir} = 0 }
      use Nacre::Selective; use A;
      my $options = $Nacre::Selective::Options;
      my @before = @INC;
      print join(',', map { $options->{$_} } qw(ReloadOnlyIfEnvVarsSet SearchProgramDir SearchUserDir UserDirTemplate DefaultUser)), ' ';
      $options->{UserDirTemplate} = "$ENV{SITE}/home/USER/src/lib";
      sub next_text { Nacre::Selective->reload('A', @_); print A::text(), ' ' }
      next_text('Program');
      $options->{LastAdditionalPaths} = ["$ENV{SITE}/last"]; next_text();
      $options->{SearchUserDir} = 1; $options->{DefaultUser} = 'me'; next_text();
      $options->{User} = 'nobody'; next_text();
      $options->{FirstAdditionalPaths} = ["$ENV{SITE}/first"]; next_text();
      print join ' ', map { s/\Q$ENV{SITE}\E//r } @{ $Nacre::Selective::Debug->{INCArrayAfterModification} }[0 .. 2];
      local $SIG{__WARN__} = sub { print " $_[0]" =~ s/ at .*//sr };
      $options->{User} = '../me'; next_text();
      print Program::f(), "@before" eq "@INC" ? ' same' : ' other';
      """#, more, variables: ["RLD": "1"])
    #expect(
      output
        == "1,1,0,/home/USER/src/lib,nobody-here a1b1 a4b4 a3b3 a4b4 a2b2 /first / /last Nacre::Selective: '../me' is no name of a user; no directory of that name is searcheda2b2 5 same"
    )
  }

  @Test func debugTellsWhatHappened() throws {
    let output = try run(
      #"""
      use Nacre::Selective; use B;
      my $is_there = grep { m{/share/perl} } @{ $Nacre::Selective::Options->{DontReloadIfPathContains} };
      Nacre::Selective->reload('A');
      our $debug; *debug = \$Module::Reload::Selective::Debug;
      my $list = sub { join ',', sort grep { !m{^(?:Exporter|Nacre|base|strict|warnings|constant|vars|overload|Carp|Config|re|feature|parent|DynaLoader|builtin|Cwd|XSLoader|utf8|bytes|warnings/register)} && !m{\A/} } keys %{ $debug->{$_[0]} } };
      print join ' ', map { "$_:" . $list->($_) } qw(NewlyLoaded Reloaded GotLoaded INCHashAfter);
      print ' ', $debug->{NotReloaded}{'strict.pm'} ? 'kept' : 'lost', ' ', $debug->{INCHashBefore}{'B.pm'} eq $INC{'B.pm'} ? 1 : 0;
      print ' ', $debug->{LastLoadTime} =~ /\A\w{3} \w{3} / ? 'time' : '', " $is_there" > 0 ? ' listed' : '';
      $Nacre::Selective::Options->{DontReloadIfPathContains} = ['B.pm'];
      Nacre::Selective->reload('A'); print ' ', $list->('Reloaded');
      """#, variables: ["RLD": "1"])
    #expect(
      output
        == "NewlyLoaded:A.pm Reloaded:B.pm,Shared.pm GotLoaded:A.pm,B.pm,Shared.pm INCHashAfter:A.pm,B.pm,Shared.pm kept 1 time listed A.pm"
    )
  }

  @Test func aBrokenModuleDiesAndLeavesAllAsItWas() throws {
    let output = try run(
      #"""
      use Nacre::Selective; use A;
      my $text = do { open my $from, '<', 'lib/B.pm' or die; local $/; <$from> };
      open my $to, '>', 'lib/B.pm' or die; print $to "package B; sub text { 'b9' }\n1 +;\n"; close $to;
      my @before = @INC;
      eval { Nacre::Selective->reload('A'); 1 } or print $@ =~ /\Asyntax error at \S+B.pm line 2/ ? 'told' : $@;
      print ' ', A::text(), "@before" eq "@INC" ? ' same ' : ' other ';
      open $to, '>', 'lib/B.pm' or die; print $to $text =~ s/b1/b3/r; close $to;
      Nacre::Selective->reload('A'); print A::text();
      """#, variables: ["RLD": "1"])
    #expect(output == "told a1b1 same a1b3")
  }
}
