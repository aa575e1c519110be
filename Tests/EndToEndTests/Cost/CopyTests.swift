import Foundation
import Testing

/// What forked processes copy of the memory that they share.
@Suite(.lane) struct CopyTests {
  /// perl clears its cache of class names whenever a handle is made, so each worker would copy the pages of what the load
  /// has put into it.
  @Test func workersDoNotCopyWhatPerlHadCachedOfClasses() throws {
    let classes = """
      BEGIN { for (1 .. 20_000) { eval "package Some::Class::Number$_; sub name { 1 } __PACKAGE__->name; 1" or die } }
      """
    let site = try Site(["app.psgi": Site.app("do { open my $handle, '<', $0; $$ }", using: classes)])
    var options = ServerOptions.development
    options.workers = 1
    try site.serve(options) { server in
      let worker = try #require(pid_t(try server.text()))
      let mebibytes = try #require(Figures.memory("Private_Dirty", of: worker)) >> 20
      #expect(mebibytes < 5, "\(server)")
    }
  }

  /// `MADV_COLLAPSE`, which an older kernel or one without huge pages does not have.
  private static let isPossible =
    FileManager.default.fileExists(atPath: "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
    && ProcessInfo.processInfo.operatingSystemVersion.isAtLeast(6, 1)

  @Test(.enabled(if: isPossible, "the kernel puts nothing into huge pages when asked"))
  func theCheckpointBeforeTheEditedFileIsReadyForQuickForks() throws {
    let site = try Site([
      "app.psgi": Site.app("Last->value", using: "use Large; use Last;"),
      "lib/Large.pm": "package Large; our @list = map { { text => \"text $_\" } } 1 .. 50_000; 1;\n",
      "lib/Last.pm": "package Last; sub value { 1 } 1;\n",
    ])
    try site.serve(ServerOptions.development) { server in
      #expect(try server.text() == "1", "\(server)")
      for value in 2...4 {
        try site.replace("lib/Last.pm", "package Last; sub value { \(value) } 1;\n")
        #expect(eventually { (try? server.text()) == "\(value)" }, "\(server)")
        #expect(
          eventually {
            server.checkpoints(before: "lib/Last.pm").contains {
              (Figures.memory("AnonHugePages", of: $0) ?? 0) >= 4 << 20
            }
          }, "\(server)")
      }
    }
  }
}

extension OperatingSystemVersion {
  fileprivate func isAtLeast(_ major: Int, _ minor: Int) -> Bool {
    (majorVersion, minorVersion) >= (major, minor)
  }
}
