import ReloadModel
import Testing

private func began(_ file: String, _ key: String) -> TraceEvent {
  .began(
    file: file, key: key, requester: "/srv/app.psgi", line: 1,
    fingerprint: Fingerprint(device: 1, inode: 1, size: 1, modified: 1, changed: 1, hash: 1))
}

/// The load of an application in /tmp/project1, and of its neighbour /tmp/project10.
private let names: ModuleNames = {
  var names = ModuleNames()
  names.add([
    began("/tmp/project1/app.psgi", "app.psgi"),
    began("/tmp/project1/lib/MyApache2.pm", "MyApache2.pm"),
    began("/tmp/project1/lib/MyApache2/Foo.pm", "MyApache2/Foo.pm"),
    began("/tmp/project1/lib/MyApache2/Deep/Bar.pm", "MyApache2/Deep/Bar.pm"),
    began("/tmp/project1/lib/Other.pm", "Other.pm"),
    began("/tmp/project10/lib/MyApache2/Ten.pm", "MyApache2/Ten.pm"),
    .read(
      file: "/tmp/project1/site.conf",
      fingerprint: Fingerprint(device: 1, inode: 2, size: 1, modified: 1, changed: 1, hash: 1)),
    .listed(directory: "/tmp/project1/lib/MyApache2/Plugin", hash: 1),
    .missing(path: "/tmp/project2/lib/Other.pm"),
    .missing(path: "/tmp/project1/lib/JSON/XS.pm"),
  ])
  return names
}()

private func triggers(
  modules: String? = nil, directories: [String] = [], watch: [String] = [], ignore: [String] = []
) -> (String) -> Bool {
  let rule = ReloadTriggers(
    modules: modules.map { ModulePatterns([$0]) }, directories: directories,
    patterns: RespawnPatterns(watch: watch, ignore: ignore, relativeTo: "/tmp/project1"))
  return { rule.triggers($0, names: names) }
}

// One test for each row of the seeds' table (Apache2::Reload) that is about what triggers.

@Test func seedRowReloadAllDefaultOn() {
  let all = triggers()
  for path in ["/tmp/project1/app.psgi", "/tmp/project1/lib/Other.pm", "/tmp/project1/site.conf", "/x/page.tt"] {
    #expect(all(path))
  }
}

@Test func seedRowReloadModulesIsSplitAtWhiteSpace() {
  let some = triggers(modules: "MyApache2::Foo  Other\tFoo::Bar::Test\n")
  #expect(some("/tmp/project1/lib/MyApache2/Foo.pm"))
  #expect(some("/tmp/project1/lib/Other.pm"))
  #expect(!some("/tmp/project1/lib/MyApache2/Deep/Bar.pm"))
  #expect(!some("/tmp/project1/lib/MyApache2.pm"))
}

@Test func seedRowWildcardIsWhatLiesBelow() {
  let below = triggers(modules: "MyApache2::*")
  #expect(below("/tmp/project1/lib/MyApache2/Foo.pm"))
  #expect(below("/tmp/project1/lib/MyApache2/Deep/Bar.pm"))
  #expect(!below("/tmp/project1/lib/MyApache2.pm"), "the seed's prefix match takes it")
  #expect(!below("/tmp/project1/lib/Other.pm"))
}

@Test func seedRowStarAloneIsAll() {
  let all = triggers(modules: "*")
  #expect(all("/tmp/project1/lib/Other.pm") && all("/tmp/project1/app.psgi") && all("/tmp/project1/site.conf"))
}

@Test func seedRowStarAfterANameIsAPrefix() {
  let prefix = triggers(modules: "My*")
  #expect(prefix("/tmp/project1/lib/MyApache2.pm") && prefix("/tmp/project1/lib/MyApache2/Foo.pm"))
  #expect(!prefix("/tmp/project1/lib/Other.pm"))
}

@Test func seedRowReloadDirectoriesTakeSubdirectoriesByComponent() {
  let directory = triggers(directories: ["/tmp/project1", "/tmp/project2"])
  #expect(directory("/tmp/project1/lib/MyApache2/Deep/Bar.pm") && directory("/tmp/project2/lib/Other.pm"))
  #expect(!directory("/tmp/project10/lib/MyApache2/Ten.pm"), "the seed takes project10 for project1")
  // Not only modules: what lies there counts.
  #expect(directory("/tmp/project1/site.conf") && directory("/tmp/project1/templates/page.tt"))
  #expect(!directory("/etc/site.conf"))
}

@Test func seedRowReloadDirectoriesNarrowedByReloadModules() {
  let both = triggers(modules: "MyApache2::*", directories: ["/tmp/project1"])
  #expect(both("/tmp/project1/lib/MyApache2/Foo.pm"))
  #expect(!both("/tmp/project1/lib/Other.pm") && !both("/tmp/project10/lib/MyApache2/Ten.pm"))
}

@Test func seedRowTouchFilesFirstLineListsModules() {
  let list = ModulePatterns(["MyApache2::Foo Deep::* /not/a/module"])
  #expect(list.matches("MyApache2::Foo") && list.matches("Deep::X") && !list.matches("Other"))
  #expect(list.unknown == ["/not/a/module"])
  #expect(ModulePatterns([" \t "]).isEmpty)
}

// What the seeds do not have.

@Test func filesThatAreNoModulesDoNotTriggerBesideModules() {
  let modules = triggers(modules: "Other MyApache2::*")
  #expect(!modules("/tmp/project1/app.psgi") && !modules("/tmp/project1/site.conf") && !modules("/x/page.tt"))
}

@Test func whatWatchNamesTriggersAlwaysAndIgnoreWins() {
  let rule = triggers(modules: "Other", directories: ["/tmp/project1/lib"], watch: ["templates"], ignore: ["Other.pm"])
  #expect(rule("/tmp/project1/templates/page.tt"))
  #expect(!rule("/tmp/project1/lib/Other.pm"))
}

@Test func modulesThatWereLookedForAreKnownByTheirPlace() {
  let modules = triggers(modules: "JSON::XS")
  #expect(modules("/tmp/project1/lib/JSON/XS.pm"))
  // No module was found in project2: the ending tells.
  #expect(triggers(modules: "Other")("/tmp/project2/lib/Other.pm"))
  #expect(!modules("/tmp/project2/lib/Other.pm"))
}

@Test func aListedDirectoryTriggersIfAModuleOfItCould() {
  let directory = "/tmp/project1/lib/MyApache2/Plugin"
  #expect(triggers(modules: "MyApache2::*")(directory) && triggers(modules: "MyApache2::Plugin::*")(directory))
  #expect(triggers(modules: "MyApache2::Plugin::New")(directory) && triggers(modules: "My*")(directory))
  #expect(!triggers(modules: "Other::*")(directory) && !triggers(modules: "MyApache2::Foo")(directory))
}

@Test(arguments: ["My::", "::My", "My::**", "*My", "My-App", "My/App.pm", "!My", "-My", "My::*::X"])
func whatIsNoModuleIsRefused(word: String) {
  #expect(ModulePatterns([word]).unknown == [word])
}
