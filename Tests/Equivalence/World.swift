/// The files of an application, as what they mean.
struct World: Equatable, Sendable {
  /// Every module, by its package, those that are not on the disk included.
  var modules: [String: Module] = [:]
  /// The packages of optional modules that are not on the disk.
  var absent: Set<String> = []
  /// The packages of modules that somebody needs and that are not on the disk.
  var missing: Set<String> = []
  /// Modules of which another version stands earlier in `@INC`, by package.
  var shadows: [String: Int] = [:]
  /// Files without a package, `do` files and data files: their versions by their numbers.
  var plain: [Int: Int] = [:]
  var confs: [Int: Int] = [:]
  var data: [Int: Int] = [:]
  /// Files of which only the existence matters.
  var flags: Set<Int> = []
  /// What is broken, by path.
  var faults: [String: Fault] = [:]
  /// The version of the role composer and that of `app.psgi`.
  var composer = 1
  var application = 1
  /// The packages that `app.psgi` uses.
  var roots: [String] = []
  /// What is outside of the application, for a story that is played with `--preload`.
  var libraries: [Library] = []
  /// The libraries of which another version stands in the application's `@INC`, by number.
  var libraryShadows: [Int: Int] = [:]
  /// Whether the directory of the plug-ins has another name.
  var pluginsAreAway = false

  static let applicationFile = "app.psgi"
  static let plugins = "lib/A/Plugin"
  static let pluginsAway = "lib/A/Unplugged"

  /// Whether a start is likely to fail.
  var isHurt: Bool { !faults.isEmpty || !missing.isEmpty || pluginsAreAway }

  /// The modules, in an order that depends on nothing but their names.
  var sorted: [Module] { modules.values.sorted { $0.package < $1.package } }
  /// Those that are on the disk.
  var present: [Module] { sorted.filter { !absent.contains($0.package) && !missing.contains($0.package) } }
  /// The modules of the application itself: `A::M1` and so on.
  var main: [Module] { present.filter { $0.package.hasPrefix("A::M") } }

  /// What others can import from a module.
  func exports(of package: String) -> [String] { modules[package]?.features.flatMap(\.exportedNames) ?? [] }

  /// The numbers of a module's roles for Moo.
  func roles(of package: String) -> [Int] {
    modules[package]?.features.filter { $0.kind == .mooRole }.map(\.number) ?? []
  }
}

extension World {
  /// The text of every file, by path.
  func files() -> [String: String] {
    var files: [String: String] = [:]
    for module in present {
      let path = pluginsAreAway ? module.path.replacing(Self.plugins, with: Self.pluginsAway) : module.path
      files[path] = text(of: module)
      guard let version = shadows[module.package] else { continue }
      var shadow = module
      shadow.directory = "early"
      shadow.version = version
      for index in shadow.features.indices { shadow.features[index].value += version }
      files[shadow.path] = text(of: shadow)
    }
    for (number, version) in plain {
      let path = "lib/plain\(number).pl"
      files[path] =
        "sub plain\(number) { return 'plain \(version)' }\nour $plain\(number) = \(version);\n\(fault(path))1;\n"
    }
    for (number, version) in confs {
      let path = "conf/c\(number).pl"
      files[path] = "\(fault(path))+{ v => \(version), list => [1 .. \(version % 4)] };\n"
    }
    for (number, version) in data { files["data/d\(number).txt"] = "file \(number), version \(version)\n" + Self.rows }
    files[(pluginsAreAway ? Self.pluginsAway : Self.plugins) + "/.keep"] = ""
    for library in libraries {
      guard let version = libraryShadows[library.number] else { continue }
      files["early/" + library.key] = library.text(shadow: version)
    }
    for number in flags { files["data/flag\(number)"] = "" }
    files["lib/A/Compose.pm"] = composerText
    files[Self.applicationFile] = applicationText
    return files
  }

  /// The lines that break a file; empty if nothing does.
  private func fault(_ path: String) -> String { faults[path]?.lines ?? "" }

  /// More than perl reads at once.
  private static let rows = (0..<1500).map { "row \($0) of a file that is read on\n" }.joined()
  /// More than perl and Nacre read at once.
  private static let filler = (0..<900).map { "# \($0) " + String(repeating: "filler ", count: 11) + "\n" }.joined()

  private var applicationText: String {
    (["# Version \(application).", "use strict;", "use warnings;", "use Probe;"] + roots.map { "use \($0) ();" } + [
      fault(Self.applicationFile) + "our $version = \(application);",
      "Probe::wrap(sub { return [200, [], ['plain \(application)']] });", "",
    ]).joined(separator: "\n")
  }

  private var composerText: String {
    """
    package A::Compose;
    use strict;
    use warnings;
    our @composed;
    sub import {
      my ($class, @roles) = @_;
      my $to = caller;
      for my $role (@roles) {
        require($role =~ s{::}{/}gr . '.pm');
        no strict 'refs';
        for my $name (@{"${role}::PROVIDES"}) {
          *{"${to}::$name"} = \\&{"${role}::$name"} unless defined &{"${to}::$name"};
        }
        push @{"${to}::DOES"}, $role;
      }
      push @composed, "$to @roles \(composer)";
    }
    \(fault("lib/A/Compose.pm"))1;

    """
  }

  private func text(of module: Module) -> String {
    let lines = module.features.map { $0.lines(in: module) }
    let code = lines.map(\.code)
    let half = code.count / 2
    let suffix = String(module.package.suffix(2))
    var text = [
      "# Version \(module.version).", "package \(module.package);", "use strict;", "use warnings;",
      "no warnings qw(redefine once shadow misc uninitialized void);",
      // Nothing that each load changes and that all see could be loaded in another order.
      libraries.isEmpty ? "BEGIN { push @main::order, __PACKAGE__ }" : "", "use Exporter 'import';",
      "our (@EXPORT_OK, @ISA, @PROVIDES);",
      "BEGIN { push @EXPORT_OK, qw(\(module.features.filter { $0.kind != .reexport }.flatMap(\.exportedNames).joined(separator: " "))) }",
    ]
    text += code[..<half].joined()
    if module.isLarge { text.append(Self.filler) }
    text += code[half...].joined()
    text += [
      fault(module.path)
        + "sub word { my $class = shift; return 'word \(module.version) of ' . (ref $class || $class) }"
    ]
    if !module.features.contains(where: { $0.kind == .inherits }) {
      text.append("sub hello { return 'hello \(module.version)' }")
    }
    if module.package.hasPrefix("A::R") {
      text += [
        "push @PROVIDES, 'provided_\(suffix)';",
        "sub provided_\(suffix) { my $self = shift; return 'provided \(module.version) ' . $self->word }",
      ]
    }
    text += ["sub answer {", "  my @out = __PACKAGE__->word;"]
    text += lines.flatMap(\.answer).map { "  push @out, eval { \($0) }; push @out, \"died: $@\" if $@;" }
    text += ["  return @out;", "}", "1;", ""]
    if module.features.contains(where: { $0.kind == .dataHandle }) {
      text[text.count - 1] = "__DATA__\nrow of version \(module.version)\n" + Self.rows
    }
    return text.joined(separator: "\n")
  }
}
