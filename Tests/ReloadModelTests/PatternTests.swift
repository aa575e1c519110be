import ReloadModel
import Testing

@Test(
  arguments: [
    ("*.tt", "page.tt"), ("/srv/*/a", "/srv/x/a"), ("/srv/**/a", "/srv/a"), ("/srv/**/a", "/srv/x/y/a"), ("a?c", "abc"),
    ("a?c", "aéc"), ("[a-c]x", "bx"), ("[!a-c]x", "dx"), ("[]]x", "]x"), ("[a-]", "-"), ("*.{tt,html}", "a.html"),
    ("{a,b{c,d}}e", "bde"), ("\\*", "*"), ("*a*b*", "xxaxxbxx"), ("a[", "a["), ("{a", "{a"), ("**", "/any/thing"),
    ("/srv/a/", "/srv/a"),
  ])
func globMatches(pattern: String, path: String) {
  #expect(GlobPattern(pattern).matches(path))
}

@Test(
  arguments: [
    ("*.tt", "a/page.tt"), ("/srv/*/a", "/srv/a"), ("/srv/*/a", "/srv/x/y/a"), ("a?c", "ac"), ("[a-c]x", "dx"),
    ("*.{tt,html}", "a.htm"), ("\\*", "x"), ("/srv/a", "/srv/a/b"), ("/srv/a/b", "/srv/a"), ("*", ""),
  ])
func globDoesNotMatch(pattern: String, path: String) {
  #expect(!GlobPattern(pattern).matches(path))
}

@Test func globOfADirectoryContainsWhatIsBelow() {
  #expect(GlobPattern("/srv/a").matchesOrContains("/srv/a/b/c"))
  #expect(GlobPattern("/srv/*").matchesOrContains("/srv/a/b/c"))
  #expect(!GlobPattern("/srv/a").matchesOrContains("/srv/ab"))
}

@Test(arguments: ["page.tt", "x/y.html", "app.conf", "deep/er/messages.properties", "UPPER.YML"])
func templatesAndConfigurationAreWatchedByDefault(name: String) {
  #expect(RespawnPatterns(relativeTo: "/srv").matches("/srv/" + name))
}

@Test(arguments: ["App.pm", "script.pl", "access.log", "conf", "html/file", "data.sqlite", "a.tt.bak"])
func otherFilesAreNotWatchedByDefault(name: String) {
  #expect(!RespawnPatterns(relativeTo: "/srv").matches("/srv/" + name))
}

@Test func userPatternsAreAnchoredOnlyWithASlash() {
  let patterns = RespawnPatterns(watch: ["*.sql", "share/data", "texts", "./top.x", "/opt/x"], relativeTo: "/srv")
  for path in [
    "/srv/a/b/q.sql", "/srv/share/data/x/y", "/srv/share/data", "/srv/deep/texts/a", "/srv/top.x", "/opt/x/a",
  ] {
    #expect(patterns.matches(path), "\(path)")
  }
  for path in ["/srv/a/share/data/x", "/srv/a/top.x", "/opt/xy", "/srv/mytexts/a"] {
    #expect(!patterns.matches(path), "\(path)")
  }
}

@Test func patternMayLeadOutOfTheDirectory() {
  let patterns = RespawnPatterns(watch: ["../shared", "a/../b", "."], relativeTo: "/srv/app")
  #expect(patterns.roots == ["/srv/shared", "/srv/app/b"])
  #expect(patterns.matches("/srv/shared/x"))
  #expect(patterns.matches("/srv/app/anything"))
  #expect(!patterns.matches("/srv/other"))
}

@Test func ignoredWinsOverEverything() {
  let patterns = RespawnPatterns(watch: ["share"], ignore: ["cache", "*.json", "share/tmp/"], relativeTo: "/srv")
  #expect(!patterns.matches("/srv/cache/a.tt"))
  #expect(!patterns.matches("/srv/share/a.json"))
  #expect(!patterns.matches("/srv/share/tmp/a"))
  #expect(patterns.matches("/srv/share/a"))
  #expect(patterns.ignores("/srv/lib/cache/App.pm"))
  #expect(!patterns.ignores("/srv/lib/App.pm"))
}

@Test func rootsAreTheFixedBeginningsOfPatterns() {
  let patterns = RespawnPatterns(
    watch: ["/opt/texts/**/*.md", "share", "*.sql", "data/[ab]/x"], relativeTo: "/srv")
  #expect(patterns.roots == ["/opt/texts", "/srv/share", "/srv/data"])
}

@Test func watchRulesGoByComponent() {
  let rules = WatchRules(libraryDirectories: ["/usr/share/perl5"], watchedDirectories: ["/usr/share/perl5/Own"])
  #expect(!rules.isWatched("/usr/share/perl5/Moo.pm"))
  #expect(rules.isWatched("/usr/share/perl55/Moo.pm"))
  #expect(rules.isWatched("/usr/share/perl5/Own/A.pm"))
  #expect(!rules.isWatched("/proc/self/status"))
}
