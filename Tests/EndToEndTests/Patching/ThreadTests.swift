import Foundation
import Testing

/// Several interpreters in one process: perl's threads, each with code of its own.
@Suite(.lane, .enabled(if: PerlThreads.arePossible, "this perl has no threads")) struct ThreadTests {
  @Test func eachThreadRunsNewCodeFromItsOwnNextCheckOn() throws {
    let site = try Site(["run.pl": Self.program])
    let run = try Patched.run(["run.pl", "40"], directory: site.path)
    #expect(run.end == .code(0) && run.output == "right\n" && run.errors.isEmpty, "\(run)")
  }

  @Test(.disabled(if: Products.sanitizer != nil, "valgrind and the address sanitizer exclude each other"))
  func threadsPatchThemselvesWithoutAnErrorOfMemory() throws {
    let site = try Site(["run.pl": Self.program])
    let run = try Memcheck.run(["run.pl", "6"], in: site)
    #expect(run.end == .code(0) && run.output == "right\n", "\(run)")
  }

  @Test func whatAThreadHasLoadedItselfIsItsOwn() throws {
    let site = try Site([
      "lib/A.pm": "package A; sub f { 'one' } 1;",
      "run.pl": #"""
      use threads; use Nacre; use lib 'lib';
      sub save { open my $to, '>', 'lib/A.pm' or die; print $to "package A; sub f { '$_[0]' } 1;"; close $to }
      print threads->create(sub { require A; save('two'); Nacre->check; A::f() })->join, ' ';
      print defined &A::f ? 'loaded' : 'not loaded', ' ';
      require A; print A::f(), ' '; save('three'); Nacre->check; print A::f();
      """#,
    ])
    let run = try Patched.run(["run.pl"], directory: site.path)
    #expect(run.output == "two not loaded two three", "\(run)")
  }

  @Test func generationTellsWhatEachInterpreterRuns() throws {
    let site = try Site([
      "lib/A.pm": "package A; sub f { 'one' } 1;",
      "run.pl": #"""
      use threads; use Nacre; use lib 'lib'; use A;
      local $SIG{__WARN__} = sub { };
      sub save { open my $to, '>', 'lib/A.pm' or die; print $to "package A; sub f { '$_[0]' } 1;"; close $to }
      sub now { Nacre->check; Nacre->generation . A::f() }
      print Nacre->generation, A::f(), ' ';
      save('two'); print threads->create(\&now)->join, ' ', Nacre->generation, A::f(), ' ';
      save("broken'"); print threads->create(\&now)->join, ' ';
      save('three'); print now(), ' ', threads->create(\&now)->join, ' '; save('four'); print threads->create(\&now)->join;
      """#,
    ])
    let run = try Patched.run(["run.pl"], directory: site.path)
    #expect(run.output == "1one 2two 1one 1one 2three 2three 3four", "\(run)")
  }

  @Test func nacreThatAThreadHasLoadedPatchesThatThreadOnly() throws {
    let site = try Site([
      "lib/A.pm": "package A; sub f { 'one' } 1;",
      "run.pl": #"""
      use threads; use lib 'lib'; use A;
      sub save { open my $to, '>', 'lib/A.pm' or die; print $to "package A; sub f { '$_[0]' } 1;"; close $to }
      my $thread = threads->create(sub { require Nacre; Nacre->check; save('two'); Nacre->check; A::f() });
      print $thread->join, ' ', A::f(), ' ', threads->create(sub { require A; eval 'A::f()' })->join;
      """#,
    ])
    let run = try Patched.run(["run.pl"], directory: site.path)
    #expect(run.output == "two one one", "\(run)")
  }

  @Test func aThreadThatAModuleStartsWhileItIsPatchedPatchesItselfAgain() throws {
    let site = try Site([
      "lib/A.pm": "package A; sub f { 'one' } 1;",
      "run.pl": #"""
      use threads; use Nacre; use lib 'lib'; use A;
      our $thread;
      open my $to, '>', 'lib/A.pm' or die;
      print $to q{package A; sub f { 'two' } $main::thread = threads->tid ? 0 : threads->create(sub { Nacre->check; A::f() . A->can('f')->() }); 1;};
      close $to;
      Nacre->check;
      print A::f(), ' ', $thread->join;
      """#,
    ])
    let run = try Patched.run(["run.pl"], directory: site.path)
    #expect(run.output == "two twotwo", "\(run)")
  }

  @Test func endBlocksOfAPatchDoNotRunInAThread() throws {
    let site = try Site([
      "lib/A.pm": "package A; sub f { 'one' } END { print 'end ' } 1;",
      "run.pl": #"""
      use threads; use Nacre; use lib 'lib'; use A;
      sub save { open my $to, '>', 'lib/A.pm' or die; print $to $_[0]; close $to }
      print threads->create(sub {
        save('package A; sub f { "two" } END { print "new end " } die "bad";');
        { local $SIG{__WARN__} = sub { }; Nacre->check }
        save('package A; sub f { "three" } END { print "last end " } 1;'); Nacre->check; A::f()
      })->join, ' ', A::f(), ' ';
      """#,
    ])
    let run = try Patched.run(["run.pl"], directory: site.path)
    #expect(run.output == "three one end ", "\(run)")
  }

  @Test func aSubThatIsGoneComesBackInAThreadThatWasStartedMeanwhile() throws {
    let site = try Site([
      "lib/A.pm": "package A; sub f { 'one' } sub g { 'one' } 1;",
      "run.pl": #"""
      use threads; use Nacre; use lib 'lib'; use A;
      sub save { open my $to, '>', 'lib/A.pm' or die; print $to $_[0]; close $to }
      our $kept = \&A::f;
      save('package A; sub g { 1 } 1;'); Nacre->check;
      print threads->create(sub {
        save('package A; sub f { "back" } sub g { 1 } 1;'); Nacre->check; $kept->();
      })->join;
      Nacre->check; print ' ', $kept->();
      """#,
    ])
    let run = try Patched.run(["run.pl"], directory: site.path)
    #expect(run.output == "back back", "\(run)")
  }

  /// Four threads beside the main program; at each edit all check by themselves, one of them late; now and then one ends
  /// and another one starts.
  private static let program = #"""
    use v5.16; use warnings; use threads; use Thread::Queue; use Nacre; use lib 'lib';
    mkdir 'lib';
    my $edits = shift;
    sub save {
      my ($name, $text) = @_;
      open my $to, '>', "lib/$name.pm.new" or die; print $to $text; close $to; rename "lib/$name.pm.new", "lib/$name.pm" or die;
    }
    sub edit {
      my ($n) = @_;
      my $bad = $n % 7 == 3 ? 'die "bad";' : '';
      my $more = $n % 2 ? 'sub odd { 1 }' : '';
      save(Leaf => "package Leaf; use Exporter 'import'; our \@EXPORT_OK = qw(C f); use constant C => $n; our \$x = $n; sub f { 'f$n' } $more $bad 1;");
    }
    save(User => 'package User; use Leaf qw(C f); sub all { join " ", C, f(), $Leaf::x, Leaf->can("odd") ? 1 : 0 } 1;');
    edit(0);
    require User;
    my $expected;
    my %worker;
    sub start {
      my ($name) = @_;
      my ($in, $out) = (Thread::Queue->new, Thread::Queue->new);
      my $thread = threads->create(sub {
        local $SIG{__WARN__} = sub { };
        while (defined(my $job = $in->dequeue)) { Nacre->check if $job eq 'check'; $out->enqueue(User::all()) }
      });
      $worker{$name} = { in => $in, out => $out, thread => $thread };
    }
    sub stop { my $it = delete $worker{$_[0]}; $it->{in}->enqueue(undef); $it->{thread}->join }
    sub ask { my ($name, $job) = @_; $worker{$name}{in}->enqueue($job); return $worker{$name}{out}->dequeue }
    sub is { my ($got, $expected, $what) = @_; $got eq $expected or die "$what: $got, not $expected\n" }
    my $now = my $late = '0 f0 0 0';
    start($_) for 1 .. 4;
    local $SIG{__WARN__} = sub { };
    for my $n (1 .. $edits) {
      edit($n);
      my $before = $now;
      $now = join ' ', $n, "f$n", $n, $n % 2 if $n % 7 != 3;
      is(ask($_, 'look'), $_ == 4 ? $late : $before, "thread $_ before edit $n") for keys %worker;
      $worker{$_}{in}->enqueue('check') for 1 .. 3;
      Nacre->check;
      is(User::all(), $now, "main at edit $n");
      is($worker{$_}{out}->dequeue, $now, "thread $_ at edit $n") for 1 .. 3;
      if ($n % 5 == 0) { $late = $now if $n % 7 != 3; is(ask(4, 'check'), $late, "late thread at edit $n") }
      if ($n % 8 == 0) { my $one = 1 + $n / 8 % 3; stop($one); start($one); is(ask($one, 'look'), $now, "a new thread at edit $n") }
    }
    stop($_) for 1 .. 4;
    print "right\n";
    """#
}

enum PerlThreads {
  /// Whether the perl under test is built with threads.
  static let arePossible =
    (try? Command.run([Products.perl, "-MConfig", "-e", "print $Config{useithreads} // ''"]).output) == "define"
}
