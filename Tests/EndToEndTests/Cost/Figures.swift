import Foundation
import Glibc

/// What the kernel tells about a process.
enum Figures {
  /// How many descriptors it has open.
  static func descriptors(of pid: pid_t) -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd"))?.count ?? 0
  }

  /// How many inotify watches it has.
  static func watches(of pid: pid_t) -> Int {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fdinfo")) ?? []
    return names.reduce(0) { sum, name in
      let text = (try? String(contentsOfFile: "/proc/\(pid)/fdinfo/\(name)", encoding: .utf8)) ?? ""
      return sum + text.split(separator: "\n").count { $0.hasPrefix("inotify wd:") }
    }
  }

  /// A line of `smaps_rollup`, in bytes.
  static func memory(_ name: String, of pid: pid_t) -> Int? {
    let text = (try? String(contentsOfFile: "/proc/\(pid)/smaps_rollup", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("\(name):") }
    return line?.split(separator: " ").dropLast().last.flatMap { Int($0) }.map { $0 << 10 }
  }

  /// How often it has gone to sleep, so how often it was awake.
  static func naps(of pid: pid_t) -> Int {
    let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") }
    return line?.split(separator: "\t").last.flatMap { Int($0) } ?? 0
  }
}

extension Server {
  /// nacre and all its Perl processes.
  var allProcesses: [pid_t] { [process.pid] + perlProcesses }

  /// The checkpoints before this file of the site.
  func checkpoints(before file: String) -> [pid_t] {
    let title = "nacre checkpoint before \(site.absolute(file))"
    return perlProcesses.filter { contents(of: "/proc/\($0)/cmdline").hasPrefix(title) }
  }
}

extension Site {
  /// An application of so many modules, `lib/M1.pm` and so on, that answers the numbers in them, one after the other.
  static func ofModules(_ count: Int) throws -> Site {
    let uses = (1...count).map { "use M\($0);" }.joined(separator: "\n")
    var files = ["app.psgi": app("join ' ', map { \"M$_\"->number } 1 .. \(count)", using: uses)]
    for number in 1...count { files["lib/M\(number).pm"] = module(number, 0) }
    return try Site(files)
  }

  /// The text of such a module.
  static func module(_ number: Int, _ value: Int) -> String {
    "package M\(number); use strict; use warnings; sub number { \(value) } 1;\n"
  }
}
