import Foundation
import Testing

/// What Nacre takes over from Reload.pm, Apache2::Reload and Module::Reload::Selective, item by item, and the tests and
/// scenarios (`x.pl`) that show it. In Apache with the prefork and the threaded MPMs where an item is Apache's.
@Suite struct SeedTests {
  private static let rows: [(item: String, shownBy: [String])] = [
    (
      "Reload.pm: registers a package, finds its file (the current directory first, then @INC), leaves @INC alone",
      ["aDaemonTakesNewCodeBeforeEachJob"]
    ),
    (
      "Reload.pm: a baseline, and a test before each execution",
      ["aDaemonTakesNewCodeBeforeEachJob", "times.pl", "same-time.pl"]
    ),
    (
      "Reload.pm: drops the symbols and the entry in %INC, and requires again",
      ["changed-sub.pl", "removed-sub.pl", "redefinition.pl"]
    ),
    (
      "Apache2::Reload: PerlInitHandler, PerlPreConnectionHandler, settings of virtual hosts",
      [
        "directivesOfApache2ReloadMeanWhatTheyMeanThere", "asAPreConnectionHandlerItReadsTheBaseServersSettings",
        "everyChildIsOnTheNewestCodeAtItsNextRequestUnderLoad",
      ]
    ),
    (
      "Apache2::Reload: use Apache2::Reload registers; register_module, unregister_module",
      [
        "directivesOfApache2ReloadMeanWhatTheyMeanThere", "unregisteringWinsUntilRegisteredAgain",
        "unregisteringHoldsInEveryChild",
      ]
    ),
    ("Apache2::Reload: ReloadAll", ["directivesOfApache2ReloadMeanWhatTheyMeanThere"]),
    ("Apache2::Reload: ReloadModules and its wildcards", ["directivesOfApache2ReloadMeanWhatTheyMeanThere"]),
    ("Apache2::Reload: ReloadDirectories, alone and narrowed", ["directivesOfApache2ReloadMeanWhatTheyMeanThere"]),
    ("Apache2::Reload: ReloadTouchFile, its list, missing, created later", ["aTouchFileDecidesWhen"]),
    ("Apache2::Reload: ReloadDebug", ["aFailedReloadIsToldAndTheOldCodeAnswers"]),
    ("Apache2::Reload: ReloadByModuleName", ["byModuleNameLooksThroughTheIncludePathAgain"]),
    ("Apache2::Reload: ReloadConstantRedefineWarnings", ["constantsWarnOnlyIfAsked"]),
    (
      "Apache2::Reload: PERL5LIB, PerlSetEnv PERL5LIB, use lib at startup",
      ["directivesOfApache2ReloadMeanWhatTheyMeanThere"]
    ),
    (
      "Apache2::Reload: references in %INC; a hook that stores the path",
      ["directivesOfApache2ReloadMeanWhatTheyMeanThere"]
    ),
    ("Apache2::Reload: relative entries in %INC", ["relative-path.pl"]),
    (
      "Apache2::Reload: modules without package",
      ["no-package.pl", "directivesOfApache2ReloadMeanWhatTheyMeanThere"]
    ),
    (
      "Apache2::Reload: registry scripts with old imports: the colour, and the addresses of the subs",
      ["registryScriptsRunTheNewImportsOfTheirModules"]
    ),
    (
      "Apache2::Reload: several interpreters",
      [
        "everyInterpreterOfAThreadedMPMIsOnTheNewestCodeAtItsNextRequestUnderLoad",
        "generationTellsWhatEachInterpreterRuns",
      ]
    ),
    (
      "Apache2::Reload: modules that were loaded before the reloader",
      ["whatWasLoadedBeforeIsAdoptedAndCountsAsChangedIfItIsNewerThanTheProgram"]
    ),
    (
      "Module::Reload::Selective: reload, recursive, whatever the date, never itself; import with arguments",
      ["reloadsWhatAModuleUsesWhateverTheDate", "withoutTheVariablesItOnlyLoads"]
    ),
    (
      "Module::Reload::Selective: only with RLD, DEBUGGING_SERVER or the option, at each call; Reload_Disabled_Because",
      ["withoutTheVariablesItOnlyLoads"]
    ),
    (
      "Module::Reload::Selective: the options, their defaults, the order of directories, @INC afterwards, names of users",
      ["developersDirectoriesComeFirstAndTheIncludePathComesBack"]
    ),
    ("Module::Reload::Selective: DontReloadIfPathContains", ["debugTellsWhatHappened"]),
    ("Module::Reload::Selective: $Debug", ["debugTellsWhatHappened"]),
    ("Module::Reload::Selective: constants warn at every reload: silent", ["reloadsWhatAModuleUsesWhateverTheDate"]),
    ("Module::Reload::Selective: RLD=1 perl x", ["reloadsWhatAModuleUsesWhateverTheDate"]),
    (
      "Module::Reload::Selective: a developer's own directories first",
      ["developersDirectoriesComeFirstAndTheIncludePathComesBack"]
    ),
  ]

  /// The names of all tests and scenarios.
  private static let names: Set<String> = {
    let directory = Products.sourceTree + "/Tests/EndToEndTests"
    var names: Set<String> = []
    for file in FileManager.default.enumerator(atPath: directory) ?? FileManager.DirectoryEnumerator() {
      guard let file = file as? String else { continue }
      if file.hasSuffix(".pl") { names.insert((file as NSString).lastPathComponent) }
      guard file.hasSuffix(".swift") else { continue }
      for part in contents(of: directory + "/" + file).components(separatedBy: "func ").dropFirst() {
        names.insert(String(part.prefix { $0 != "(" && $0 != "<" }))
      }
    }
    return names
  }()

  @Test(arguments: rows.map(\.item)) func isShownByTestsThatExist(_ item: String) {
    let row = Self.rows.first { $0.item == item }
    #expect(row.map { !$0.shownBy.isEmpty && $0.shownBy.allSatisfy(Self.names.contains) } ?? false, "\(item)")
  }
}
