import Foundation
import Glibc

/// An application whose loads, starts of workers and requests can be held at gates, so that a fault meets them there.
final class FaultSite {
  /// Where the application can be held.
  enum Gate: String, CaseIterable {
    /// While it loads, behind the file that is edited.
    case load
    /// In each worker's start hook.
    case start
    /// In a request to `/hold`.
    case request
  }

  let site: Site
  /// Outside of what load traces follow.
  private let gates = "/dev/shm/nacre-gates-\(UUID().uuidString)"
  private(set) var saved = 0

  init() throws {
    try FileManager.default.createDirectory(atPath: gates, withIntermediateDirectories: false)
    chmod(gates, 0o777)
    site = try Site([
      "app.psgi": """
      use strict; use warnings; use Nacre; use Early; use Part; use Late;
      Nacre->on_worker_start(sub { Gate::pass('start') });
      sub {
        my $env = shift;
        my ($body, $read) = ('', 0);
        Gate::pass('request') if $env->{PATH_INFO} eq '/hold';
        if (my $length = $env->{CONTENT_LENGTH}) {
          1 while $read = $env->{'psgi.input'}->read($body, $length - length $body, length $body);
        }
        [200, ['Content-Type' => 'text/plain'], [join ' ', Part::generation(), length $body, unpack '%16C*', $body]];
      };
      """,
      "lib/Early.pm": "package Early; use Gate; 1;",
      "lib/Part.pm": Self.part(0),
      "lib/Late.pm": "package Late; Gate::pass('load'); 1;",
      "lib/Gate.pm": """
      package Gate;
      sub pass {
        my $gate = "\(gates)/$_[0]";
        return unless -e $gate;
        open my $note, '>', "$gate.at.$$" or die; close $note;
        select undef, undef, undef, 0.002 while -e $gate;
        unlink "$gate.at.$$";
      }
      1;
      """,
    ])
  }

  deinit { try? FileManager.default.removeItem(atPath: gates) }

  private static func part(_ generation: Int) -> String {
    "package Part; sub generation { \(generation) } 1;  # \(String(repeating: ".", count: generation % 7))"
  }

  /// Saves the next version of the application, and returns its number, which it answers with.
  @discardableResult
  func save() throws -> Int {
    saved += 1
    try (saved % 2 == 0 ? site.write : site.replace)("lib/Part.pm", Self.part(saved))
    return saved
  }

  /// Begins to save the next version in place and returns what ends it, as the file stays open for so long. The server
  /// waits for that a while. (All is written at once: half of a file is what a slow machine might load.)
  func beginSave() throws -> () throws -> Int {
    saved += 1
    let text = Array(Self.part(saved).utf8)
    let file = Glibc.open(site.absolute("lib/Part.pm"), O_WRONLY | O_TRUNC | O_CLOEXEC)
    guard file >= 0, write(file, text, text.count) == text.count else { throw Stuck("cannot write Part.pm") }
    return { [saved] in
      close(file)
      return saved
    }
  }

  // MARK: Gates

  /// Whoever comes to the gate stays there.
  func hold(_ gate: Gate) throws { try site.write("\(gates)/\(gate.rawValue)", "") }

  /// Whoever is held goes on.
  func open(_ gate: Gate) { unlink("\(gates)/\(gate.rawValue)") }

  func openAll() { for gate in Gate.allCases { open(gate) } }

  /// The processes that have come to the gate and not been seen to leave it.
  func held(at gate: Gate) -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: gates)) ?? []
    return names.compactMap { $0.hasPrefix("\(gate.rawValue).at.") ? pid_t($0.split(separator: ".").last!) : nil }
      .filter { ProcessEntry(pid: $0).map { $0.state != "Z" } ?? false }
  }

  /// Waits until somebody has come to the gate.
  func awaitHeld(at gate: Gate) throws -> pid_t { try firstValue { held(at: gate).first } }
}

/// The processes of a server, by what they are for.
enum Part: String, CaseIterable {
  case base = "nacre base"
  case checkpoint = "nacre checkpoint"
  case mold = "nacre mold"
  case candidate = "nacre loading"
  case worker = "nacre worker"
}

extension Server {
  /// The processes of a kind.
  func processes(_ part: Part) -> [pid_t] {
    perlProcesses.filter { contents(of: "/proc/\($0)/cmdline").hasPrefix(part.rawValue) }.sorted()
  }

  /// Lets every process go on that is stopped.
  func continueAll() { for pid in perlProcesses { kill(pid, SIGCONT) } }

  /// Waits until the server is whole: all workers, a mold and a base are there, and none is stopped.
  func isWhole(workers: Int) -> Bool {
    eventually(within: 60) {
      let molds = processes(.mold)
      let serving = processes(.worker)
      let states = (molds + serving + processes(.base)).map { ProcessEntry(pid: $0)?.state ?? "Z" }
      return !processes(.base).isEmpty && !molds.isEmpty && serving.count >= workers && !states.contains("T")
    }
  }
}

/// Random numbers that a seed repeats.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    // SplitMix64.
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
