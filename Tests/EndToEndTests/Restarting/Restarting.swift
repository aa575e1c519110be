import Foundation
import Glibc
import Testing

/// What tests of `nacre restart` ask for.
extension Server {
  /// The process that serves now, as `nacre status` says.
  func serving() throws -> pid_t {
    guard let pid = try document("/v1/status")["pid"] as? Int else { throw Stuck("no pid in the status") }
    return pid_t(pid)
  }

  /// Runs `nacre restart`, which must do; the new process.
  @discardableResult
  func restart(sourceLocation: SourceLocation = #_sourceLocation) throws -> pid_t {
    let run = try nacre("restart", "-p", "\(port)")
    guard run.end == .code(0),
      let pid = run.output.firstMatch(of: /restarted: pid (\d+) serves\n/).flatMap({ Int32($0.1) })
    else { throw Stuck("nacre restart failed: \(run)\n\(self)") }
    #expect(try serving() == pid, sourceLocation: sourceLocation)
    return pid
  }

  /// Runs `nacre restart`, which must fail for this reason and leave the server as it is.
  func failToRestart(_ words: String..., sourceLocation: SourceLocation = #_sourceLocation) throws {
    let before = try serving()
    let run = try nacre("restart", "-p", "\(port)")
    #expect(run.end == .code(1), "\(run)\n\(self)", sourceLocation: sourceLocation)
    for words in words {
      #expect(run.errors.contains(words), "\(run)\n\(self)", sourceLocation: sourceLocation)
    }
    #expect(try serving() == before, sourceLocation: sourceLocation)
  }

  /// Waits until of this server's programs only these run, beside its Perl processes and guardians.
  func runsOnly(_ programs: pid_t...) -> Bool {
    eventually {
      let running = process.session().filter {
        let name = contents(of: "/proc/\($0.pid)/comm")
        return name == "nacre\n" || name.hasPrefix("nacre keeper") || name.contains("nacre") && !name.contains(" ")
      }
      return Set(running.map(\.pid)) == Set(programs)
    }
  }
}

extension Site {
  /// The source of an `app.psgi` that answers with its server's process, its own name and the request's body, and waits
  /// for the file `go` where it is asked for `/slow`.
  static func restarting(_ name: String = "one") -> String {
    """
    use strict; use warnings;
    sub {
      my $env = shift;
      my $body = '';
      if ($env->{PATH_INFO} eq '/slow') {
        open my $note, '>', '../begun' or die;
        select undef, undef, undef, 0.01 until -e '../go';
      }
      while ($env->{'psgi.input'}->read(my $part, 65536)) { $body .= $part }
      [200, ['Content-Type' => 'text/plain'], [join ' ', getppid, '\(name)', length $body]];
    };
    """
  }

  /// Waits until a worker has begun with `/slow`.
  func hasBegun() -> Bool { eventually { FileManager.default.fileExists(atPath: notes + "/begun") } }

  /// Lets `/slow` be answered.
  func go() throws { try write(notes + "/go", "") }
}
