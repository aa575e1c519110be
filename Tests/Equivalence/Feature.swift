/// One thing that a module does, in a few lines of Perl.
struct Feature: Equatable, Sendable {
  /// What it is.
  enum Kind: String, CaseIterable, Sendable {
    // What others import.
    case constant, function, prototype
    // What depends on another module: `target`.
    case imports, reexport, inherits, role, foreign, circular, foreignFlag, alias, requires
    // What is loaded or looked for otherwise.
    case lazy, optional, noPackage, doFile, hook, library
    // What is read, listed and tested.
    case readAcross, listAcross, plugins, flagFile, dataHandle, freshness
    // State.
    case closure, state, inner, environment, environmentRead, flagRead, signal, registry, overload, stringEval, end
    case tied, weak, format, autoload, slow
    // Modules that nobody edits: perl's own; a library of the story, and what it is told before it is asked for.
    case vendor, librarian, tells
    // Roles and classes.
    case mooRole, mooClass
  }

  var kind: Kind
  /// Tells it from all others; parts of its names.
  var number: Int
  /// What a change changes.
  var value: Int
  /// The package of the module that it depends on.
  var target = ""
  /// The file's number, or the feature of the target that it uses.
  var other = 0
  /// What it imports from there: `["C3", "f5"]`.
  var names: [String] = []

  /// Whether other modules may import it: such features stay.
  var isExported: Bool { [.constant, .function, .prototype, .reexport, .mooRole].contains(kind) }
  /// The names that others can import because of it.
  var exportedNames: [String] {
    switch kind {
    case .constant: ["C\(number)"]
    case .function: ["f\(number)"]
    case .prototype: ["p\(number)"]
    case .reexport: names
    default: []
    }
  }
}

/// A file with a package.
struct Module: Equatable, Sendable {
  /// `A::M3`.
  var package: String
  /// Modules use those of higher rank, so that only those that are meant to use each other in a circle.
  var rank = 0
  /// The directory in `@INC`: `lib`.
  var directory: String
  var version: Int
  var features: [Feature]
  /// Whether it is larger than perl's and Nacre's buffers, with code after that.
  var isLarge = false

  /// `A/M3.pm`.
  var key: String { Self.key(of: package) }
  static func key(of package: String) -> String { package.split(separator: ":").joined(separator: "/") + ".pm" }
  /// `lib/A/M3.pm`.
  var path: String { directory + "/" + key }
}

/// What is wrong with a file.
enum Fault: String, CaseIterable, Sendable {
  case syntax, dies, isFalse, missingModule, undeclared, exits

  /// The lines that break it.
  var lines: String {
    switch self {
    case .syntax: "my $broken = ;\n"
    case .dies: "die 'no database';\n"
    case .isFalse: "return 0;\n"
    case .missingModule: "use A::Nowhere;\n"
    case .undeclared: "$undeclared = 1;\n"
    case .exits: "exit 3;\n"
    }
  }
}
