import SourceFiles
import Testing

@Test(
  arguments: [
    ("lib/My.pm", "/srv/app/lib/My.pm"), ("/lib/My.pm", "/lib/My.pm"), ("./a", "/srv/app/a"),
    ("a//b/./c/", "/srv/app/a/b/c"),
    ("../x", "/srv/x"), ("../../../../x", "/x"), ("/", "/"), ("/..", "/"), ("a/../b", "/srv/app/b"), (".", "/srv/app"),
    ("", "/srv/app"),
  ])
func pathIsTidiedUp(path: String, expected: String) {
  #expect(absolute(path, relativeTo: "/srv/app") == expected)
}

@Test func parentOfALinkIsNotTidiedAway() {
  let directory = TemporaryDirectory()
  directory.shell("mkdir -p real/bin lib plain; ln -s real/bin bin")
  #expect(absolute("bin/../lib", relativeTo: directory.path) == directory("bin/../lib"))
  #expect(absolute("plain/../lib", relativeTo: directory.path) == directory("lib"))
  #expect(absolute("bin/../../plain/../x", relativeTo: directory.path) == directory("bin/../../x"))
}

@Test func partsOfPaths() {
  #expect(directory(of: "/srv/app") == "/srv")
  #expect(directory(of: "/srv") == "/")
  #expect(lastComponent(of: "/srv/app") == "app")
  #expect(join("/", "srv") == "/srv")
  #expect(join("/srv", "app") == "/srv/app")
}

@Test func realPathFollowsLinks() {
  let directory = TemporaryDirectory()
  directory.shell("mkdir real; touch real/a; ln -s real link")
  #expect(realPath(of: directory("link/a")) == directory("real/a"))
  #expect(realPath(of: directory("link/none")) == nil)
}

@Test func trailHoldsEveryLinkOnTheWay() {
  let directory = TemporaryDirectory()
  directory.shell("mkdir -p releases/5/lib; touch releases/5/lib/App.pm; ln -s releases/5 newest; ln -s newest current")
  let trail = LinkTrail(of: directory("current/lib/App.pm"))
  let own = trail.entries.filter { $0.directory.hasPrefix(directory.path) }
  let root = directory.path
  #expect(
    own == [
      .init(directory: root, name: "current", kind: .link), .init(directory: root, name: "newest", kind: .link),
      .init(directory: root, name: "releases", kind: .directory),
      .init(directory: root + "/releases", name: "5", kind: .directory),
      .init(directory: root + "/releases/5", name: "lib", kind: .directory),
      .init(directory: root + "/releases/5/lib", name: "App.pm", kind: .file),
    ])
  #expect(trail.end == .file(directory("releases/5/lib/App.pm")))
  #expect(trail.missing == nil)
}

@Test func trailOfAMissingPathEndsAtWhatWouldHaveToAppear() {
  let directory = TemporaryDirectory()
  directory.shell("mkdir lib; touch file; ln -s gone broken")
  let missing = LinkTrail(of: directory("lib/My/Deep/App.pm"))
  #expect(missing.end == .missing)
  #expect(missing.missing == .init(directory: directory("lib"), name: "My", kind: .missing))
  #expect(LinkTrail(of: directory("broken/a")).missing?.name == "gone")
  #expect(LinkTrail(of: directory("file/a")).missing == .init(directory: directory.path, name: "file", kind: .file))
}

@Test func trailOfACircleEnds() {
  let directory = TemporaryDirectory()
  directory.shell("ln -s b a; ln -s a b")
  #expect(LinkTrail(of: directory("a/x")).end == .missing)
}

@Test func requireSearchFindsWhatPerlFinds() {
  let directory = TemporaryDirectory()
  directory.shell("mkdir -p one/My/App.pm two/My three/My; touch two/My/App.pm three/My/App.pm")
  let includes: [String?] = ["none", nil, "one", "two", "three"]
  let search = RequireSearch(of: "My/App.pm", in: includes, relativeTo: directory.path)
  #expect(search.found == directory("two/My/App.pm"))
  #expect(
    search.missing
      == ["none/My/App.pmc", "none/My/App.pm", "one/My/App.pmc", "two/My/App.pmc"].map { directory($0) })
  directory.shell("touch two/My/App.pmc")
  #expect(
    RequireSearch(of: "My/App.pm", in: includes, relativeTo: directory.path).found == directory("two/My/App.pmc"))
}

@Test func requireSearchOfAPathIgnoresIncludes() {
  let directory = TemporaryDirectory()
  directory.shell("mkdir lib; touch lib/conf.pl conf.pl")
  let search = RequireSearch(of: "./conf.pl", in: [directory("lib")], relativeTo: directory.path)
  #expect(search == RequireSearch(of: directory("conf.pl"), in: [], relativeTo: "/"))
  #expect(search.found == directory("conf.pl"))
  #expect(RequireSearch(of: "conf.pl", in: ["lib"], relativeTo: directory.path).found == directory("lib/conf.pl"))
}

@Test func requireSearchWithoutSuccessNamesAllMissingPaths() {
  let directory = TemporaryDirectory()
  let search = RequireSearch(of: "x.pl", in: ["a", "b"], relativeTo: directory.path)
  #expect(search.found == nil)
  #expect(search.missing == [directory("a/x.pl"), directory("b/x.pl")])
}
