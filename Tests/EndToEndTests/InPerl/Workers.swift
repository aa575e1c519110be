import Glibc

extension Server {
  /// The ids of the workers of a generation, as their names in the process table tell.
  func workers(of generation: Int) -> [pid_t] {
    perlProcesses.filter { contents(of: "/proc/\($0)/cmdline").hasPrefix("nacre worker, generation \(generation):") }
  }
}

extension Site {
  /// Perl that appends a line to a file of notes, in one write: `note('text')` writes the text and the process id.
  var noteSub: String {
    "sub note { open my $n, '>>', '\(notes)/notes' or die; syswrite $n, \"$_[0] $$\\n\" } "
  }

  /// The lines that were noted, each without its process id.
  var noted: [String] { notedBy.map(\.text) }

  /// The lines that were noted, and by whom.
  var notedBy: [(text: String, pid: pid_t)] {
    contents(of: notes + "/notes").split(separator: "\n").map { line in
      let words = line.split(separator: " ")
      return (words.dropLast().joined(separator: " "), pid_t(words.last ?? "") ?? 0)
    }
  }
}

extension Products {
  /// The directory of Nacre's own Perl files.
  static var perlLibrary: String { sourceTree + "/perl/lib" }
}
