/// What a feature puts into its module: statements, and expressions for the answer.
struct Lines {
  var code: [String]
  var answer: [String] = []
}

extension Feature {
  /// In Perl, as part of this module.
  func lines(in module: Module) -> Lines {
    switch kind {
    case .constant, .function, .prototype: exported
    case .imports, .reexport: imported
    case .inherits, .role, .foreign, .circular, .foreignFlag, .alias, .requires: dependent(in: module)
    case .lazy, .optional, .noPackage, .doFile, .hook, .library: loading(in: module)
    case .readAcross, .listAcross, .plugins, .flagFile, .dataHandle, .freshness: reading
    case .vendor: vendor
    case .librarian, .tells: library
    case .mooRole, .mooClass: composing(in: module)
    default: keeping(in: module)
    }
  }

  private var exported: Lines {
    switch kind {
    case .constant where value % 4 == 3:
      Lines(code: ["use constant C\(number) => (\(value), 'b\(value)');"], answer: ["join '-', C\(number)"])
    case .constant: Lines(code: ["use constant C\(number) => \(value);"], answer: ["C\(number)"])
    case .function: Lines(code: ["sub f\(number) { return 'f\(value) ' . (shift // '') }"], answer: ["f\(number)(1)"])
    default:
      switch value % 4 {
      case 0: Lines(code: ["sub p\(number) (\\@) { return 'array ' . ref $_[0] }"])
      case 1: Lines(code: ["sub p\(number) (@) { return 'list ' . @_ }"])
      case 2: Lines(code: ["sub p\(number) ($;$) { return \"scalar $_[0]\" }"])
      default: Lines(code: ["sub p\(number) { return 'none ' . @_ }"])
      }
    }
  }

  private var imported: Lines {
    var lines = Lines(code: ["use \(target) qw(\(names.joined(separator: " ")));"])
    if kind == .reexport { lines.code.append("BEGIN { push @EXPORT_OK, qw(\(names.joined(separator: " "))) }") }
    for name in names {
      switch name.first {
      case "C": lines.answer.append("join ',', 'inlined', \(name)")
      case "f": lines.answer.append("\(name)(\(value))")
      default:
        lines.code.append("sub uses_\(name)_\(number) { my @l = (4, 5, 6); return \(name)(@l) }")
        lines.answer.append("uses_\(name)_\(number)()")
      }
    }
    return lines
  }

  private func dependent(in module: Module) -> Lines {
    switch kind {
    case .inherits:
      Lines(
        code: ["use \(target) ();", "our @ISA;", "push @ISA, '\(target)';"],
        answer: ["__PACKAGE__->hello", "__PACKAGE__->SUPER::word", "__PACKAGE__->can('f\(other)') ? 'can' : 'cannot'"])
    case .role: Lines(code: ["use A::Compose qw(\(target));"], answer: ["__PACKAGE__->provided_\(target.suffix(2))"])
    case .foreign:
      Lines(
        code: ["sub \(target)::extra\(number) { return 'extra \(value)' }", "$\(target)::extra\(number) = \(value);"],
        answer: ["\(target)->extra\(number)"])
    case .circular:
      Lines(
        code: [
          "BEGIN { our $known\(number) = exists $INC{'\(Module.key(of: target))'} }",
          "use \(target) ();",
          "our $seen\(number) = defined &\(target)::word ? 'complete' : 'partly';",
        ], answer: ["our $seen\(number)"])
    case .foreignFlag: Lines(code: ["BEGIN { $\(target)::flag\(other) = \(value) }"])
    case .alias:
      Lines(
        code: [
          "our @aliased\(number) = (\(value));", "*\(target)::aliased\(number) = \\@aliased\(number);",
          "*\(target)::word\(number) = \\&word;",
        ], answer: ["\(target)->word\(number)"])
    default: Lines(code: ["require \(target);", "our $got\(number) = \(target)->word;"], answer: ["our $got\(number)"])
    }
  }

  private func loading(in module: Module) -> Lines {
    switch kind {
    case .lazy:
      Lines(code: ["$Probe::lazy{'\(module.package) \(number)'} = sub { require \(target); return \(target)->word };"])
    case .optional where value % 2 == 0:
      Lines(
        code: ["our $optional\(number) = eval { require \(target); \(target)->word } // 'none';"],
        answer: ["our $optional\(number)"])
    case .optional:
      Lines(code: [
        "$Probe::lazy{'\(module.package) \(number)'} = sub { eval { require \(target); \(target)->word } // 'none' };"
      ])
    case .noPackage: Lines(code: ["require 'plain\(other).pl';"], answer: ["main::plain\(other)()"])
    case .doFile:
      Lines(
        code: ["our $conf\(number) = do './conf/c\(other).pl';"],
        answer: ["join ',', map { \"$_=$\(module.package)::conf\(number)->{$_}\" } sort keys %{ our $conf\(number) }"])
    case .hook:
      Lines(
        code: [
          "BEGIN { push @INC, sub {",
          "  return if $_[1] ne 'A/H\(number).pm';",
          "  my $text = 'package A::H\(number); sub answer { return q(hooked \(value)) } 1;';",
          "  open my $source, '<', \\$text or die;",
          "  return $source;",
          "} }",
          "use A::H\(number) ();",
        ])
    default:
      Lines(code: ["use lib 'more';", "use \(target) ();"], answer: ["\(target)->word"])
    }
  }

  private var reading: Lines {
    switch kind {
    case .readAcross:
      Lines(
        code: [
          "BEGIN { open our $file\(number), '<', 'data/d\(other).txt' or die 'no data'; our $first\(number) = readline $file\(number) }",
          "use \(target) ();",
          "our @lines\(number) = map { scalar readline our $file\(number) } 1 .. \(value % 7 * 150 + 1);",
        ] + (value % 2 == 0 ? ["close our $file\(number);"] : []),
        answer: ["our $first\(number)", "$lines\(number)[-1]"].map {
          $0.hasPrefix("$") ? "our @lines\(number), \($0)" : $0
        })
    case .listAcross:
      Lines(
        code: [
          "BEGIN { opendir our $dir\(number), 'lib/A/Plugin' or die 'no directory'; our @names\(number) = scalar readdir $dir\(number) }",
          "use \(target) ();",
          "our @names\(number) = sort grep { /\\.pm\\z/ } our @names\(number), readdir our $dir\(number);",
        ], answer: ["join ' ', our @names\(number)"])
    case .plugins where value % 2 == 0:
      Lines(
        code: [
          "our @plugins\(number) = sort glob 'lib/A/Plugin/*.pm';",
          "require s{^lib/}{}r for @plugins\(number);",
        ], answer: ["join ' ', our @plugins\(number)"])
    case .plugins:
      Lines(
        code: [
          "opendir my $plugins\(number), 'lib/A/Plugin' or die 'no plugins';",
          "for my $name (sort grep { /\\.pm\\z/ } readdir $plugins\(number)) { require \"A/Plugin/$name\"; push our @plugins\(number), $name }",
        ], answer: ["join ' ', our @plugins\(number)"])
    case .flagFile:
      Lines(
        code: ["our $flag\(number) = -e 'data/flag\(other)' ? 'flag' : 'no flag';"], answer: ["our $flag\(number)"])
    case .dataHandle:
      Lines(
        code: [
          "our @rows\(number) = scalar readline DATA;", "require \(target);",
          "push @rows\(number), scalar readline DATA for 1 .. \(value % 3 * 200 + 1);",
        ], answer: ["$rows\(number)[-1]"].map { "our @rows\(number), \($0)" })
    default:
      // With a start time that is too old, a file that was just saved is younger than the process.
      Lines(code: ["our $time\(number) = -M __FILE__ < 0 ? 'stale' : 'now';"], answer: ["our $time\(number)"])
    }
  }

  private var vendor: Lines {
    switch other % 4 {
    case 0:
      Lines(code: ["use Text::ParseWords ();"], answer: ["join '|', Text::ParseWords::shellwords('a \"b \(value)\"')"])
    case 1: Lines(code: ["BEGIN { $ENV{POSIXLY_CORRECT} = \(value % 2) }", "use Getopt::Long ();"])
    case 2: Lines(code: ["BEGIN { $Text::Wrap::columns = \(value) }", "use Text::Wrap ();"])
    default: Lines(code: ["BEGIN { $ENV{PERL_JSON_PP_USE_B} = \(value % 2) }", "use JSON::PP ();"])
    }
  }
}
