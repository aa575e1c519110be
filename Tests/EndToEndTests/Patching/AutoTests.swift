import Foundation
import Testing

/// `perl -MNacre=auto script.pl`: a program that nobody has changed takes new code by itself.
@Suite(.lane) struct AutoTests {
  private func run(_ program: String, _ more: [String] = ["-MNacre=auto"]) throws -> Command {
    let site = try Site([
      "Work.pm": "package Work; sub run { 'one' } 1;",
      "Loop.pm": """
      package Loop; use Work;
      sub go { for my $word (@_) { main::pass($word) } }
      1;
      """,
      "run.pl": """
      use strict; use warnings; use Work;
      sub save { open my $to, '>', 'Work.pm' or die; print $to "package Work; sub run { '$_[0]' } 1;"; close $to }
      sub rest { select undef, undef, undef, 0.02 }
      $| = 1;
      \(program)
      """,
    ])
    return try Patched.run(more + ["run.pl"], include: [site.path], directory: site.path)
  }

  @Test func looksBetweenPassesOfTheOutermostLoop() throws {
    let run = try run(
      #"""
      for my $word (qw(two three four)) { print Work::run(), ' '; save($word); rest() }
      my $count = 0;
      { while (1) { print Work::run(), ' '; save("w$count") if $count++ < 9; rest(); last if $count > 2 } }
      do { print Work::run(), ' '; save('last'); rest() } until $count++ > 2;
      print Work::run();
      """#)
    #expect(run.output == "one two three four w1 w2 w2 last" && run.errors.isEmpty, "\(run)")
  }

  @Test func innerLoopsAndLoopsInTheMiddleOfSomethingDoNotLook() throws {
    let run = try run(
      #"""
      for my $pass (1, 2) {
        print Work::run(), ' ';
        if ($pass == 1) { save('two'); for (1, 2) { rest() } print Work::run(), ' '; }
        my $turns = $pass; rest() while $turns++ < 3 && $pass == 1;
        print Work::run(), ' ';
        my @sorted = sort { for (1) { rest() } $a <=> $b } 2, 1;
        print Work::run(), ' ';
        if ($pass == 1) { rest() }
      }
      """#)
    #expect(run.output == "one one one one two two two " && run.errors.isEmpty, "\(run)")
  }

  @Test func looksInAModulesLoopAndLeavesPerlsVariablesAlone() throws {
    let run = try run(
      #"""
      use Loop;
      our $was;
      sub pass {
        print Work::run(), ' ';
        save($_[0]); rest();
        $! = 2; eval { die "kept\n" }; $_ = 'word';
      }
      Loop::go('two', 'three');
      print $!+0, " $@";
      print Work::run();
      """#)
    #expect(run.output == "one two 2 kept\nthree" && run.errors.isEmpty, "\(run)")
  }

  @Test func aBrokenSaveIsToldAndTheProgramGoesOn() throws {
    let run = try run(
      #"""
      for my $word ("two' +", 'three', '') { print Work::run(), ' '; save($word) if $word; rest() }
      print Work::run();
      """#)
    #expect(run.output == "one one three three", "\(run)")
    #expect(run.errors.contains("Nacre: the old code runs on: "), "\(run)")
  }

  @Test func canBeSaidInTheProgramAndNothingElseCan() throws {
    let said = try run(
      "use Nacre 'auto'; for my $word (qw(two three)) { print Work::run(), ' '; save($word); rest() } print Work::run();",
      [])
    #expect(said.output == "one two three" && said.errors.isEmpty, "\(said)")
    let other = try run("1;", ["-MNacre=always"])
    #expect(other.end != .code(0) && other.errors.contains("Nacre knows no 'always'"), "\(other)")
  }
}
