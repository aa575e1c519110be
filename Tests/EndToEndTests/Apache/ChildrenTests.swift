import Foundation
import Glibc
import Testing

/// Apache's children with new code: all of them, registry scripts, restarts, load.
@Suite(.lane, .enabled(if: Apache.isInstalled, "Apache with mod_perl is not installed"))
struct ChildrenTests {
  /// How much is played; more where somebody asks for it.
  private static func count(_ name: String, _ usual: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? usual
  }

  private static let show = """
    package Show;
    use Apache2::RequestIO (); use Apache2::RequestRec (); use Text;
    sub handler { my $r = shift; $r->print("$$ " . Text::text()); 0 }
    1;
    """
  private static let configuration = """
    PerlModule Nacre::Apache2
    PerlModule Show
    PerlInitHandler Nacre::Apache2
    <Location />
    SetHandler modperl
    PerlResponseHandler Show
    </Location>
    """

  private func text(_ version: Int) -> String { "package Text;\nsub text { '\(version)' }\n1;\n" }

  /// What the children answer, by process; asks until so many have answered twice.
  private func answers(_ apache: Apache, from children: Int) throws -> [String: Set<String>] {
    var seen: [String: Set<String>] = [:]
    var counts: [String: Int] = [:]
    _ = try firstValue {
      let words = try apache.text().split(separator: " ").map(String.init)
      guard words.count == 2 else { throw Stuck("answered \(words)") }
      seen[words[0], default: []].insert(words[1])
      counts[words[0], default: 0] += 1
      return counts.values.filter { $0 > 1 }.count >= children ? true : nil
    }
    return seen
  }

  /// Asks all the time, and counts answers that are missing or older than what was saved before the question.
  private static let asker = #"""
    my ($port, $current, $stop) = @ARGV; my ($asked, $failed) = (0, 0);
    sub slurp { open my $from, '<', $_[0] or return 0; local $/; 0 + (<$from> || 0) }
    until (-e $stop) {
      my $saved = slurp($current);
      my $to = IO::Socket::INET->new("127.0.0.1:$port"); local $/;
      print $to "GET / HTTP/1.0\r\n\r\n"; my $got = <$to> // '';
      $asked++; $failed++, print "$saved: $got\n" if $got !~ /^HTTP\S+ 200 .* (\d+)$/s || $1 < $saved;
    }
    print "failed $failed of ", $asked ? 'some' : 'none';
    """#

  private func underLoad(_ apache: Apache, askers: Int, _ body: (_ saved: (Int) throws -> Void) throws -> Void) throws {
    let notes = apache.site.notes
    let load = try (0..<askers).map { number in
      try ChildProcess(
        [
          Products.perl, "-MIO::Socket::INET", "-e", Self.asker, "\(apache.port)", notes + "/current", notes + "/stop",
        ], directory: "/", environment: testEnvironment, output: notes + "/load\(number)",
        errors: notes + "/load\(number)")
    }
    defer { for asker in load { asker.killSession() } }
    try body { try apache.site.replace(notes + "/current", "\($0)") }
    try apache.site.write(notes + "/stop", "")
    for (number, asker) in load.enumerated() {
      #expect(asker.waitForEnd() == .code(0))
      #expect(contents(of: notes + "/load\(number)") == "failed 0 of some")
    }
  }

  @Test func everyChildIsOnTheNewestCodeAtItsNextRequestUnderLoad() throws {
    let children = Self.count("NACRE_APACHE_CHILDREN", 3)
    let site = try Site(["lib/Show.pm": Self.show, "lib/Text.pm": text(0)])
    try Apache.run(site, children: children, Self.configuration) { apache in
      try underLoad(apache, askers: 1) { saved in
        for edit in 1...Self.count("NACRE_APACHE_EDITS", 20) {
          if edit % 5 == 3 {
            // Broken: everybody goes on with what was.
            try site.write("lib/Text.pm", "package Text;\nsub text { '\(edit)' \n1;\n")
            #expect(try answers(apache, from: children).values.allSatisfy { $0 == ["\(edit - 1)"] }, "\(edit)")
          }
          try site.replace("lib/Text.pm", text(edit))
          try saved(edit)
          #expect(try answers(apache, from: children).values.allSatisfy { $0 == ["\(edit)"] }, "\(edit)")
        }
      }
    }
  }

  @Test func theStatusPageTellsOfEveryChild() throws {
    let site = try Site(["lib/Show.pm": Self.show, "lib/Text.pm": text(0)])
    let status = "<Location /status>\nPerlResponseHandler Nacre::Apache2::Status\n</Location>"
    try Apache.run(site, children: 2, Self.configuration + "\n" + status) { apache in
      /// What each child is said to have done, once all have answered.
      func told() throws -> [String: String] {
        let processes = try answers(apache, from: 2).keys
        let lines = try apache.text("/status?auto").split(separator: "\n").filter { $0.hasPrefix("Child: ") }
        #expect(lines.count == 2, "\(lines)")
        return try [String: String](
          uniqueKeysWithValues: processes.map { process in
            let line = try #require(lines.first { $0.hasPrefix("Child: \(process): ") }, "\(lines)")
            return (process, String(line.dropFirst("Child: \(process): ".count)))
          })
      }
      #expect(try told().values.allSatisfy { $0 == "generation 1" })
      try site.replace("lib/Text.pm", "package Text;\nsub text { '1' \n1;\n")
      #expect(try told().values.allSatisfy { $0.hasPrefix("generation 1, failed ") })
      try site.replace("lib/Text.pm", text(2))
      #expect(try told().values.allSatisfy { $0.hasPrefix("generation 2, loaded ") })
      // Others take the places of those who have gone.
      let before = Set(try told().keys)
      try apache.restart(SIGUSR1)
      #expect(try eventually { try before.isDisjoint(with: answers(apache, from: 2).keys) })
      #expect(try told().values.allSatisfy { $0 == "generation 1" })
    }
  }

  @Test(arguments: ["worker", "event"])
  func everyInterpreterOfAThreadedMPMIsOnTheNewestCodeAtItsNextRequestUnderLoad(_ mpm: String) throws {
    let site = try Site(["lib/Show.pm": Self.show, "lib/Text.pm": text(0)])
    let settings = """
      StartServers 2
      ServerLimit 2
      ThreadsPerChild 4
      MinSpareThreads 1
      MaxSpareThreads 8
      MaxRequestWorkers 8
      PerlInterpStart 2
      PerlInterpMinSpare 1
      PerlInterpMax 4
      """
    try Apache.run(site, mpm: mpm, settings: settings, Self.configuration) { apache in
      try underLoad(apache, askers: 3) { saved in
        for edit in 1...Self.count("NACRE_APACHE_EDITS", 20) {
          try site.replace("lib/Text.pm", text(edit))
          try saved(edit)
          for _ in 1...5 { #expect(try apache.text().hasSuffix(" \(edit)")) }
          if edit % 10 == 7 {
            try apache.restart(SIGUSR1)
            #expect(try eventually { try apache.text().hasSuffix(" \(edit)") })
          }
        }
      }
    }
  }

  @Test func unregisteringHoldsInEveryChild() throws {
    let show = Self.show.replacingOccurrences(
      of: "my $r = shift;",
      with: "my $r = shift; my $do = $r->args; Apache2::Reload->$do('Text') if $do;")
    let site = try Site(["lib/Show.pm": show, "lib/Text.pm": text(0)])
    try Apache.run(site, children: 3, Self.configuration) { apache in
      _ = try apache.text("/?unregister_module")
      try site.write("lib/Text.pm", text(1))
      #expect(try answers(apache, from: 3).values.allSatisfy { $0 == ["0"] })
      _ = try apache.text("/?register_module")
      #expect(try answers(apache, from: 3).values.allSatisfy { $0 == ["1"] })
    }
  }

  @Test func restartsLeaveTheServerWhole() throws {
    let site = try Site(["lib/Show.pm": Self.show, "lib/Text.pm": text(0)])
    try Apache.run(site, children: 1, Self.configuration) { apache in
      for round in 1...Self.count("NACRE_APACHE_RESTARTS", 6) {
        // Alternately patched by the child, and loaded anew by the parent.
        try site.write("lib/Text.pm", text(round * 2))
        #expect(try apache.text().hasSuffix(" \(round * 2)"))
        try apache.restart(round % 2 == 0 ? SIGHUP : SIGUSR1)
        #expect(try eventually { try apache.text().hasSuffix(" \(round * 2)") })
        try site.write("lib/Text.pm", text(round * 2 + 1))
        #expect(try apache.text().hasSuffix(" \(round * 2 + 1)"))
      }
      #expect(!apache.errors.contains("Nacre:"), "\(apache.errors)")
    }
  }

  @Test func registryScriptsRunTheNewImportsOfTheirModules() throws {
    let utils = #"""
      package My::Utils; use base qw(Exporter);
      our @EXPORT = qw(colour SIZE); use constant SIZE => 1; sub colour { 'white' }
      1;
      """#
    let site = try Site([
      "lib/My/Utils.pm": utils, "lib/Other.pm": "package Other; sub f { 1 } 1;",
      "scripts/test.pl": #"""
      use strict; use warnings; use My::Utils;
      our $runs++;
      print "Content-type: text/plain\n\n";
      sub size { SIZE }
      my ($int, $ext) = (\&colour, \&My::Utils::colour);
      print colour(), ' ', SIZE, size(), ' ', $int == $ext ? 'same' : 'different', " $int ", main->can('never') ? 1 : 0,
        defined &shade ? ' ' . shade() : '';
      """#,
      "scripts/other.pl": #"""
      use Other; print "Content-type: text/plain\n\n"; BEGIN { our $compiled++ } print our $compiled;
      """#,
    ])
    chmod(site.absolute("scripts/test.pl"), 0o755)
    chmod(site.absolute("scripts/other.pl"), 0o755)
    let configuration = """
      PerlModule Nacre::Apache2
      PerlInitHandler Nacre::Apache2
      Alias / SITE/scripts/
      <Location />
      SetHandler perl-script
      PerlResponseHandler ModPerl::Registry
      Options +ExecCGI
      PerlOptions +ParseHeaders
      </Location>
      """
    try Apache.run(site, configuration) { apache in
      let first = try apache.text("/test.pl").split(separator: " ").map(String.init)
      #expect(first.count == 5 && Array(first[0...2]) == ["white", "11", "same"], "\(first)")
      #expect(try apache.text("/other.pl") == "1")
      // The `colour` example: new code at the same address.
      try site.edit("lib/My/Utils.pm", "white", "red")
      let second = try apache.text("/test.pl").split(separator: " ").map(String.init)
      #expect(second.first == "red" && Array(second[1...]) == Array(first[1...]), "\(second)")
      // Constants, which perl has compiled into the script, and new exports.
      try site.edit("lib/My/Utils.pm", "SIZE => 1", "SIZE => 2")
      try site.edit("lib/My/Utils.pm", "SIZE);", "SIZE shade); sub shade { 'dark' }")
      let third = try apache.text("/test.pl").split(separator: " ").map(String.init)
      #expect(Array(third[0...2]) == ["red", "22", "same"] && third.last == "dark", "\(third)")
      // Who uses something else is not compiled again.
      #expect(try apache.text("/other.pl") == "1")
      #expect(!apache.errors.contains("redefined") && !apache.errors.contains("Nacre:"), "\(apache.errors)")
    }
  }

  @Test func asAPreConnectionHandlerItReadsTheBaseServersSettings() throws {
    let site = try Site(["lib/Show.pm": Self.show, "lib/Text.pm": text(1), "lib/More.pm": "package More; 1;"])
    let second = Port.free()
    let configuration = """
      PerlModule Apache2::Const
      Listen 127.0.0.1:\(second)
      PerlModule Nacre::Apache2
      PerlModule Show
      PerlPreConnectionHandler Nacre::Apache2
      <Location />
      SetHandler modperl
      PerlResponseHandler Show
      </Location>
      <VirtualHost *:\(second)>
      PerlSetVar ReloadAll Off
      </VirtualHost>
      """
    try Apache.run(site, configuration) { apache in
      try site.write("lib/Text.pm", text(2))
      #expect(try apache.ask(port: second).text.hasSuffix(" 1"))
      #expect(try apache.text().hasSuffix(" 2"))
    }
  }
}
