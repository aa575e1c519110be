import Foundation
import Testing

/// `Nacre::Census`: what may not matter changes no line of it, and whatever Perl code can see does.
struct CensusTests {
  /// The census of a plain perl that has run this code.
  static func lines(_ code: String, arguments: String = "") throws -> Set<String> {
    let scratch = try Scratch()
    let file = scratch.path + "/code.pl"
    try code.write(toFile: file, atomically: true, encoding: .utf8)
    // Copies of the same path: it is part of what is compared.
    let script = """
      my ($file, $options) = splice @ARGV;
      open my $code, '<', $file or die; local $/; my $text = <$code>; close $code; undef $code; $/ = "\\n";
      eval qq{#line 1 "/app/code.pl"\\n$text; 1} or die;
      require Nacre::Census;
      Nacre::Census::write(\\*STDOUT, eval $options);
      """
    let library = Products.sourceTree + "/perl/lib"
    let run = try Command.run([Products.perl, "-I", library, "-e", script, file, arguments])
    guard run.end == .code(0), run.errors.isEmpty else { throw Stuck("the census failed: \(run.errors)") }
    return Set(run.output.split(separator: "\n").map(String.init))
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var before: String
    var after: String
    /// How the lines begin, kind and name, that may differ; one has to.
    var line: String

    init(_ what: String, _ before: String, _ after: String, _ line: String) {
      (testDescription, self.before, self.after, self.line) = (what, before, after, line)
    }
  }

  @Test(arguments: visible) func whatCodeCanSeeShows(_ example: Case) throws {
    let (before, after) = (try Self.lines(example.before), try Self.lines(example.after))
    let differing = before.symmetricDifference(after)
    #expect(differing.contains { $0.hasPrefix(example.line) }, "\(differing.sorted())")
    // A line has one thing to say: nothing else speaks of it.
    let place = example.line.split(separator: "\t").last.map(String.init) ?? ""
    #expect(differing.allSatisfy { $0.contains(place) }, "\(differing.sorted())")
  }

  @Test(arguments: invisible) func whatCodeCannotSeeDoesNot(_ example: Case) throws {
    let differing = try Self.lines(example.before).symmetricDifference(try Self.lines(example.after))
    #expect(differing.isEmpty, "\(differing.sorted())")
  }

  static let visible: [Case] = [
    Case("a sub's code", "sub Part::f { 'a' }", "sub Part::f { 'b' }", "sub\t&Part::f\t"),
    Case("the line of a statement", "sub Part::f { 1 }", "\nsub Part::f { 1 }", "sub\t&Part::f\t"),
    Case("a prototype", "sub Part::f($) { 1 }", "sub Part::f($$) { 1 }", "sub\t&Part::f\t"),
    Case("an attribute", "sub Part::f { my $x }", "sub Part::f : lvalue { my $x }", "sub\t&Part::f\t"),
    Case("a sub that is only declared", "sub Part::f; sub Part::g {}", "sub Part::g {}", "sub\t&Part::f\tdeclared"),
    Case(
      "a constant", "package Part; use constant X => 1;", "package Part; use constant X => 2;", "sub\t&Part::X\t"),
    Case(
      "a list of constants", "package Part; use constant X => 1, 2;", "package Part; use constant X => 1, 3;",
      "array\t&Part::X->[1]\t"),
    Case(
      "a folded constant", "use constant X => 1; sub Part::f { X + 1 }", "use constant X => 1; sub Part::f { X + 2 }",
      "sub\t&Part::f\t"),
    Case("a variable", "our $x = 1;", "our $x = 2;", "scalar\t$main::x\t"),
    Case("an element of an array", "our @x = (1, 2);", "our @x = (1, 3);", "array\t$main::x[1]\t"),
    Case(
      "a value deep inside", "our %x = (a => [{ b => 1 }]);", "our %x = (a => [{ b => 2 }]);",
      "hash\t$main::x{a}->[0]->{b}\t"),
    Case(
      "two variables that share a value", "our $x = {}; our $y = $x;", "our $x = {}; our $y = {};", "scalar\t$main::y\t"
    ),
    Case("the class of an object", "our $x = bless {}, 'One';", "our $x = bless {}, 'Two';", "scalar\t$main::x\t"),
    Case("@ISA", "@Part::ISA = 'A';", "@Part::ISA = 'B';", "array\t$Part::ISA[0]\t"),
    Case("a regex", "our $x = qr/a/;", "our $x = qr/a/i;", "scalar\t$main::x\t"),
    Case("code in data", "our $x = [sub { 1 }];", "our $x = [sub { 2 }];", "sub\t$main::x->[0]->\t"),
    Case(
      "a variable that a sub has closed over", "{ my $n = 1; sub f { $n } }", "{ my $n = 2; sub f { $n } }",
      "closed\t&main::f: $n\t"),
    Case(
      "what a closure of a closure holds", "our $x = do { my @l = (1); my $g = sub { @l }; sub { $g } };",
      "our $x = do { my @l = (2); my $g = sub { @l }; sub { $g } };", "array\t$main::x->: $g->: @l[0]\t"),
    Case(
      "two subs that share a variable", "{ my $n = 1; sub f { $n } sub g { $n } }",
      "{ my $n = 1; sub f { $n } } { my $n = 1; sub g { $n } }", "closed\t&main::g: $n\t"),
    Case(
      "a state variable", "use feature 'state'; sub f { state $n = 1; $n++ } f();",
      "use feature 'state'; sub f { state $n = 1; $n++ } f(); f();", "closed\t&main::f: $n\t"),
    Case(
      "where an import comes from", "sub One::f { 1 } sub Two::f { 1 } *f = \\&One::f;",
      "sub One::f { 1 } sub Two::f { 1 } *f = \\&Two::f;", "alias\t&main::f\t"),
    Case("an aliased variable", "our @x = (1); *y = \\@x;", "our @x = (1); our @y = (1);", "a"),
    Case(
      "an operator", "package Part; use overload '+' => sub { 1 };", "package Part; use overload '+' => sub { 2 };",
      "sub\t"),
    Case(
      "a format", "our $x; format OUT =\n@<<\n$x\n.\n", "our $x; format OUT =\n@<<<\n$x\n.\n", "format\tmain::OUT\t"),
    Case(
      "how far a file has been read", "open F, '<', '/etc/passwd'; my $l = <F>;", "open F, '<', '/etc/passwd';",
      "handle\t*main::F\t"),
    Case(
      "a closed handle", "open F, '<', '/etc/passwd';", "open F, '<', '/etc/passwd'; close F;", "handle\t*main::F\t"),
    Case(
      "a weak reference", "use Scalar::Util 'weaken'; our $x = []; our $y = $x;",
      "use Scalar::Util 'weaken'; our $x = []; our $y = $x; weaken $y;", "scalar\t$main::y\t"),
    Case(
      "what is behind a tied variable",
      "sub T::TIESCALAR { bless [$_[1]], 'T' } sub T::FETCH { die } tie our $x, 'T', 1;",
      "sub T::TIESCALAR { bless [$_[1]], 'T' } sub T::FETCH { die } tie our $x, 'T', 2;", "array\ttied $main::x->[0]\t"),
    Case("%INC", "", "$INC{'Some.pm'} = '/app/Some.pm';", "inc\tSome.pm\t"),
    Case("@INC", "", "push @INC, '/app/more';", "include\t"),
    Case("%ENV", "", "$ENV{SOME} = 1;", "hash\t$main::ENV{SOME}\t"),
    Case("%SIG", "", "$SIG{USR1} = 'IGNORE';", "hash\t$main::SIG{USR1}\t"),
    Case("an END block", "", "END { 1 }", "sub\tEND 001\t"),
    Case("a package that has B's name", "", "$B::x = 1;", "scalar\t$B::x\t"),
    Case("a special variable", "", "$, = '-';", "scalar\t$main::,\t"),
    Case(
      "a number and a text in one", "use Scalar::Util 'dualvar'; our $x = dualvar(1, 'a');",
      "use Scalar::Util 'dualvar'; our $x = dualvar(2, 'a');", "scalar\t$main::x\t"),
  ]

  private static let hooked = """
    BEGIN { push @INC, sub { my $text = 'package Part; sub f { 1 } 1;'; open my $f, '<', \\$text; $f } }
    BEGIN { require Part; pop @INC }
    """

  static let invisible: [Case] = [
    Case(
      "the order of a hash and addresses", "our %x = map { $_ => [$_] } 'a' .. 'z'; our $y = \"$x{a}\";",
      "our %x; $x{$_} = [$_] for reverse 'a' .. 'z'; our $y = \"$x{a}\";", ""),
    Case(
      "addresses as keys", "our @o = map { [$_] } 1 .. 9; our %x = map { 0 + $_ => $_->[0] } @o;",
      "my @l = map { {} } 1 .. 99; our @o = map { [$_] } 1 .. 9; our %x = map { 0 + $_ => $_->[0] } reverse @o;", ""),
    Case(
      "the name of what a hook has supplied", hooked, "my @l = map { [] } 1 .. 9; \(hooked)", ""),
    Case(
      "a constant that has become a sub", "package Part; use constant X => 1;",
      "package Part; use constant X => 1; { my $x = \\&X }", ""),
    Case(
      "cached methods", "package One; sub f { 1 } package Two; our @ISA = 'One'; package main; Two->can('g');",
      "package One; sub f { 1 } package Two; our @ISA = 'One'; package main; Two->can('f');", ""),
    Case("a variable that was only mentioned", "", "our $x; our @x; our %x; $y::z if 0; ", ""),
    Case("the number of a string eval", "eval 'sub f { 1 }';", "eval '1'; eval 'sub f { 1 }';", ""),
    Case("cycles", "our $x = {}; $x->{x} = $x;", "our $x = {}; our $n = 0; undef $n; $x->{x} = $x;", ""),
    Case("text that was used as a number", "our $x = '10';", "our $x = '10'; { my $y = $x + 1 }", ""),
    Case("what perl did last", "", "'abc' =~ /(b)/; eval { die }; $! = 2; srand 5;", ""),
  ]

  @Test func itsOwnModulesAreLeftOut() throws {
    let lines = try Self.lines("")
    for word in ["B::", "Nacre::", "Scalar::Util", "strict.pm"] {
      #expect(!lines.contains { $0.contains(word) }, "\(lines.filter { $0.contains(word) })")
    }
  }

  @Test func modulesThatTheApplicationLoadedAreDescribed() throws {
    let lines = try Self.lines("use Scalar::Util;")
    #expect(lines.contains { $0.hasPrefix("inc\tScalar/Util.pm\t") })
    #expect(lines.contains { $0.hasPrefix("sub\t&Scalar::Util::blessed\t") })
  }

  @Test func subThatWasThereBeforeItsCallMakesNoDifference() throws {
    // At the same lines.
    let (sub, call) = ("sub Part::f { 1 }", "sub Part::g { Part::f(1); &Part::f; return Part::f() }")
    let eager = try Self.lines("BEGIN { eval q{\(sub)} }\n\(call)", arguments: "deparse => sub { 0 }")
    let late = try Self.lines("\n\(call)\nBEGIN { eval q{\(sub)} }", arguments: "deparse => sub { 0 }")
    func calls(_ lines: Set<String>) -> [String] { lines.filter { $0.hasPrefix("sub\t&Part::g\t") } }
    #expect(calls(eager) == calls(late) && calls(late).count == 1, "\(calls(eager)) \(calls(late))")
  }

  @Test func prototypeThatWasThereBeforeItsCallMakesADifference() throws {
    let (sub, call) = ("sub Part::f($) { 1 }", "sub Part::g { my @all = (1, 2); return Part::f(@all) }")
    let eager = try Self.lines("BEGIN { eval q{\(sub)} }\n\(call)", arguments: "deparse => sub { 0 }")
    let late = try Self.lines("\n\(call)\nBEGIN { eval q{\(sub)} }", arguments: "deparse => sub { 0 }")
    func calls(_ lines: Set<String>) -> [String] { lines.filter { $0.hasPrefix("sub\t&Part::g\t") } }
    #expect(calls(eager) != calls(late) && calls(late).count == 1, "\(calls(eager))")
  }

  @Test func digestTellsWhatDeparseWouldTell() throws {
    func digested(_ code: String) throws -> Set<String> { try Self.lines(code, arguments: "(deparse => sub { 0 })") }
    let original = try digested("sub f { my $x = shift; $x + 1 }")
    #expect(!original.contains { $0.contains("shift") })
    #expect(try digested("sub f { my $x = shift; $x + 1 }") == original)
    for other in ["$x + 2", "$x - 1", "$x + $y", "g($x)", "$x . 'a'"] {
      #expect(try digested("sub f { my $x = shift; \(other) }") != original, "\(other)")
    }
  }
}
