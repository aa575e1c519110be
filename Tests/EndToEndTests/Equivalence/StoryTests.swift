import Testing

@testable import Equivalence

/// The generator itself: a seed says everything, and nothing that it can tell is left out.
struct StoryTests {
  @Test func numbersAreThoseOfSplitMix64() {
    var dice = Dice(seed: 1_234_567)
    // The published test values.
    #expect(dice.next() == 6_457_827_717_110_365_317)
    #expect(dice.next() == 3_203_168_211_198_807_973)
    #expect(dice.next() == 9_817_491_932_198_370_423)
  }

  @Test func sameSeedTellsTheSameStory() {
    #expect(Story(seed: 7, edits: 40) == Story(seed: 7, edits: 40))
    #expect(Story(seed: 7, edits: 40) != Story(seed: 8, edits: 40))
  }

  @Test func longerStoryBeginsLikeAShorterOne() {
    let (short, long) = (Story(seed: 9, edits: 10), Story(seed: 9, edits: 30))
    #expect(long.files == short.files)
    #expect(Array(long.edits.prefix(10)) == short.edits)
  }

  @Test func everyKindOfEditAndOfSavingHappens() {
    let edits = (UInt64(1)...40).flatMap { Story(seed: $0, edits: 25).edits }
    #expect(Set(edits.map(\.name)).count == 19, "\(Set(edits.map(\.name)).sorted())")
    #expect(edits.contains { !$0.then.isEmpty })
    #expect(edits.contains { $0.lazyRequests > 0 })
    var savings: Set<Saving> = []
    for edit in edits {
      for case .save(_, _, let saving) in edit.deeds { savings.insert(saving) }
    }
    #expect(savings == Set(Saving.allCases))
  }

  @Test(arguments: [
    "use constant", "(\\@)", "push @ISA", "use A::Compose", "__DATA__", "do './conf", "readline", "readdir", "glob ",
    "-e 'data", "-M __FILE__", "state $n", "$Probe::lazy", "eval { require", "package A::M1::In", "require 'plain",
    "exists $INC", "push @INC, sub", "use lib", "BEGIN { $ENV", "$SIG{", "use overload", "END {", "tie our", "format F",
    "AUTOLOAD", "weaken", "use JSON::PP", "use Getopt::Long", "defined &A::", "select undef", "A::Registry",
  ]) func everythingIsWrittenSomewhere(_ code: String) {
    let isThere = (UInt64(1)...60).contains { seed in
      Story(seed: seed, edits: 0).files.values.contains { $0.contains(code) }
    }
    #expect(isThere)
  }

  @Test func someStoriesHaveLibrariesOutsideOfTheApplication() {
    let stories = (UInt64(1)...20).map { Story(seed: $0, edits: 40) }
    #expect(stories.filter(\.preloads).map(\.seed) == [5, 10, 15, 20])
    for story in stories where story.preloads {
      #expect(!story.isProduction)
      #expect(story.libraries.count == Library.count)
      #expect(story.edits.contains { $0.rests })
      #expect(story.files.contains { $0.value.contains("V::L") && !$0.key.contains("V/") })
    }
    let paths = stories.flatMap(\.edits).flatMap(\.deeds).flatMap(\.paths)
    #expect(paths.contains { $0.hasPrefix("early/V/L") })
    #expect(!stories.contains { !$0.preloads && $0.edits.contains { $0.rests } })
  }

  @Test func librariesLookAtEverythingAndAreToldOfIt() {
    let stories = (1...40).map { Story(seed: UInt64($0) * 5, edits: 20) }
    let libraries = stories.flatMap { Array($0.libraries.values) }
    for look in Library.Look.allCases {
      let seen = "$seen{\(look.rawValue)} ="
      #expect(libraries.contains { $0.contains(seen) }, "\(look)")
    }
    let texts = stories.flatMap(\.edits).flatMap(\.deeds).compactMap {
      if case .save(_, let text, _) = $0 { text } else { nil }
    }
    for told in [
      "$ENV{EQUAL_", "$SIG{WINCH}", "$SIG{__WARN__}", "$/ =", "$, =", "@ARGV =", "$^W = 1", "$0 =", "::mode =",
      "::hooks,", "{deep}{mode} =", "::flag1 =", "*A::Told::told", "CORE::GLOBAL::hex", "UNIVERSAL::mood",
      "chdir 'data'",
      "umask", "$| = 1",
    ] {
      #expect(texts.contains { $0.contains("BEGIN { ") && $0.contains(told) }, "\(told)")
    }
  }

  @Test(arguments: [
    "use Moo;", "use Moo::Role;", "use Role::Tiny;", "extends '", "with 'A::", "around word", "has '+age'",
  ])
  func someStoriesHaveClassesAndRoles(_ code: String) {
    let texts = (UInt64(1)...60).flatMap { Story(seed: $0, edits: 0).files.values }
    #expect(texts.contains { $0.contains(code) })
  }

  @Test func someFilesAreLargerThanPerlsBuffers() {
    let sizes = (UInt64(1)...20).flatMap {
      Story(seed: $0, edits: 0).files.filter { $0.key.hasSuffix(".pm") }.map(\.value.utf8.count)
    }
    #expect(sizes.contains { $0 > 65_536 })
  }

  @Test func shrinkingKeepsWhatIsNeededAndNoMore() {
    let story = Story(seed: 3, edits: 25)
    // Fails if a module was written by the third edit or later, and the composer is there.
    let path = story.edits.dropFirst(2).flatMap(\.deeds).flatMap(\.paths).first { $0.hasPrefix("lib/A/M") }
    guard let path else {
      Issue.record("no module was edited")
      return
    }
    let shrunk = story.shrunk(failingAt: 24) { story in
      story.files["lib/A/Compose.pm"] != nil && story.edits.contains { $0.deeds.flatMap(\.paths).contains(path) }
    }
    #expect(shrunk.edits.count <= 2)
    #expect(shrunk.edits.flatMap(\.deeds).count == 1)
    #expect(shrunk.files.keys.sorted().filter { $0 != "app.psgi" && $0 != path } == ["lib/A/Compose.pm"])
  }
}
