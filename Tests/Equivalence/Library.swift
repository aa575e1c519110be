/// A module of a library: nobody edits it, and while it loads it looks at what an application may have set before.
struct Library: Equatable, Sendable {
  /// What it may look at.
  enum Look: String, CaseIterable, Sendable {
    case environment, include, signal, handler, separator, special, arguments, warns, name
    case own, list, options, variable, function, other, isLoaded
    case override, universal, directory, flagFile, dataFile, listing, mask, output
  }

  /// A part of its name.
  var number: Int
  var looks: [Look]
  /// Which of several things it looks at.
  var value: Int
  /// The numbers of the libraries that it uses.
  var uses: [Int] = []

  /// How many there are.
  static let count = 6

  static func package(_ number: Int) -> String { "V::L\(number)" }
  static func key(_ number: Int) -> String { "V/L\(number).pm" }
  /// `V/L3.pm`.
  var key: String { Self.key(number) }
}

extension Library.Look {
  /// In Perl, what it sees; `value` says which of several.
  func expression(_ value: Int) -> String {
    switch self {
    case .environment: "$ENV{EQUAL_\(1 + value % 4)} // 'unset'"
    case .include: "join ' ', grep { !ref } @INC"
    case .signal: "join ' ', map { ref $SIG{$_} || $SIG{$_} // 'unset' } qw(USR1 WINCH)"
    case .handler: "join ' ', map { ref $SIG{$_} || 'none' } qw(__WARN__ __DIE__)"
    case .separator: "defined $/ ? length $/ : 'all'"
    case .special: "join ' ', map { length($_ // '') } $,, $\\, $;, $\""
    case .arguments: "join ' ', @ARGV"
    case .warns: "$^W"
    case .name: "$0 =~ s{.*/}{}r"
    case .own: "our $mode // 'unset'"
    case .list: "join ' ', our @hooks"
    case .options: "do { our %options; $options{deep}{mode} // 'unset' }"
    case .variable: "$A::M\(1 + value % 6)::flag\(1 + value % 4) // 'unset'"
    case .function where value % 2 == 0: "defined &A::Told::told ? A::Told::told() : 'none'"
    case .function: "defined &A::M\(1 + value % 6)::word ? A::M\(1 + value % 6)::word('V') : 'none'"
    case .other: "$V::L\(1 + value % Library.count)::mode // 'unset'"
    case .isLoaded where value % 3 == 0: "exists $INC{'A/M\(1 + value % 5).pm'} ? 'loaded' : 'not loaded'"
    case .isLoaded: "exists $INC{'A/O\(1 + value % 3).pm'} ? 'loaded' : 'not loaded'"
    case .override: "hex('10')"
    case .universal: "__PACKAGE__->can('mood') ? __PACKAGE__->mood : 'none'"
    case .directory: "-e 'd1.txt' ? 'inside' : 'outside'"
    case .flagFile: "-e 'data/flag\(1 + value % 2)' ? 'flag' : 'no flag'"
    case .dataFile: "do { open my $in, '<', 'data/d\(1 + value % 2).txt'; $in && readline $in } // 'none'"
    case .listing: "join ' ', sort glob 'lib/A/Plugin/*.pm'"
    case .mask: "sprintf '%o', umask"
    case .output: "select() . \" $|\""
    }
  }

  /// What an application does to make it see something else, and how it takes that back before it goes on. Nil for what
  /// other features change.
  func telling(_ value: Int, library: Int) -> (set: String, back: String?)? {
    switch self {
    case .environment: ("$ENV{EQUAL_\(1 + value % 4)} = 'told \(value)'", nil)
    case .signal: ("$SIG{WINCH} = \(value % 2 == 0 ? "'IGNORE'" : "sub { }")", nil)
    case .handler: ("$SIG{__WARN__} = sub { }", value % 2 == 0 ? "delete $SIG{__WARN__}" : nil)
    case .separator: ("$/ = '\(value)'", "$/ = qq(\\n)")
    case .special where value % 2 == 0: ("$, = '\(value)'", "$, = undef")
    case .special: ("$\" = '\(value)'", "$\" = ' '")
    case .arguments: ("@ARGV = (\(value))", nil)
    case .warns: ("$^W = 1", value % 2 == 0 ? "$^W = 0" : nil)
    case .name: ("$0 = 'told\(value)'", nil)
    case .own: ("$V::L\(library)::mode = \(value)", nil)
    case .list: ("push @V::L\(library)::hooks, \(value)", nil)
    case .options: ("$V::L\(library)::options{deep}{mode} = \(value)", nil)
    case .variable: ("$A::M\(1 + value % 6)::flag\(1 + value % 4) = \(value)", nil)
    case .function: ("*A::Told::told = sub { return 'told \(value)' }", nil)
    case .other: ("$V::L\(1 + value % Library.count)::mode = \(value)", nil)
    case .override: ("*CORE::GLOBAL::hex = sub (;$) { return 'told \(value)' }", nil)
    case .universal: ("*UNIVERSAL::mood = sub { return 'told \(value)' }", nil)
    case .directory: ("chdir 'data' or die", "chdir '..' or die")
    case .mask: ("umask 0\(value % 8)2", nil)
    case .output: ("$| = 1", nil)
    case .include, .isLoaded, .flagFile, .dataFile, .listing: nil
    }
  }
}

extension Library {
  /// Its source; that of a version which stands earlier in `@INC` says so.
  func text(shadow: Int? = nil) -> String {
    let package = Self.package(number)
    var text = [
      "package \(package);", "use strict;", "use warnings;", "no warnings qw(once uninitialized);",
      "use Exporter 'import';", "our @EXPORT_OK = qw(level\(number) K\(number));", "our %seen;",
    ]
    if let shadow { text.append("our $shadow = \(shadow);") }
    text += uses.map { "use \(Self.package($0)) qw(level\($0));" }
    for (index, look) in looks.enumerated() {
      let line = "$seen{\(look.rawValue)} = \(look.expression(value));"
      text.append(index % 2 == 0 ? "BEGIN { \(line) }" : line)
    }
    text += [
      "use constant K\(number) => $seen{\(looks[0].rawValue)};",
      "sub level\(number) { return join ' ', K\(number)\(uses.map { ", level\($0)()" }.joined()) }",
    ]
    if value % 5 == 0 { text.append("push @V::Registry::all, [__PACKAGE__, $V::Registry::last = \\&level\(number)];") }
    if value % 7 == 0 { text.append("END { our $ended = 1 }") }
    text += ["sub answer { return map { \"$_=$seen{$_}\" } sort keys %seen }", "1;", ""]
    return text.joined(separator: "\n")
  }
}

extension Feature {
  /// What has to do with libraries: `other` is the library's number.
  var library: Lines {
    let package = Library.package(other)
    switch kind {
    case .librarian where value % 7 == 6:
      let call = "\(package)::level\(other)()"
      return Lines(code: ["$Probe::lazy{'library \(number)'} = sub { require \(package); return \(call) };"])
    case .librarian where value % 3 == 0:
      return Lines(code: ["require \(package);"], answer: ["\(package)::level\(other)()"])
    case .librarian:
      return Lines(
        code: ["use \(package) qw(level\(other) K\(other));"], answer: ["level\(other)()", "join ',', K\(other)"])
    default:
      let all = Library.Look.allCases.filter { $0.telling(value, library: other) != nil }
      let rest = value / all.count
      guard let (set, back) = all[value % all.count].telling(rest, library: other) else { return Lines(code: []) }
      let use = rest % 4 == 3 && back == nil ? [] : ["use \(package) ();"]
      return Lines(code: ["BEGIN { \(set) }"] + use + (back.map { ["BEGIN { \($0) }"] } ?? []))
    }
  }
}
