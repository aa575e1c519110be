import CLinux
import Glibc
import PerlRuntime
import ProcessProtocol
import ReloadModel

/// A load that is made in the background: it gives way to everything else, and prints nothing, for all that it could
/// print has been printed by the load that serves.
struct Trial {
  private let mayServe: Bool
  /// What standard output and error are outside of the trial.
  private let kept: [(number: Int32, copy: Int32)]

  /// Begins it.
  ///
  /// - Parameter mayServe: Whether it may become what serves: then it is not made nice, for an ordinary user cannot
  ///   take that back.
  init(mayServe: Bool) {
    self.mayServe = mayServe
    cl_give_way(!mayServe)
    cp_flush()
    let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
    kept = ([1, 2] as [Int32]).compactMap { number in
      let copy = cl_dup_above(Int32(number), Descriptors.lowestOwn)
      guard copy >= 0, nowhere >= 0 else { return nil }
      dup2(nowhere, number)
      return (number, copy)
    }
    if nowhere > 2 { close(nowhere) }
  }

  /// The load is over.
  func end() {
    cp_flush()
    for (number, copy) in kept {
      dup2(copy, number)
      close(copy)
    }
    if mayServe { cl_give_way_no_more() }
  }
}

extension HostProcess {
  /// Describes the interpreter, compares, and leaves.
  func liveAsCensus(_ descriptors: [Int32], firstIsNatural: Bool) -> Never {
    cl_give_way(true)
    cp_show_as("nacre census, generation \(generation): \(applicationFile)")
    let words = ["\(firstIsNatural ? 1 : 0)"] + descriptors.map { "\($0)" }
    switch Perl.call(method: "take_census", of: "Nacre::Host", words) {
    case .returned(let value):
      // "3\tARRAY Foo::list"
      let text = value.text
      let parts = text.split(separator: "\t", maxSplits: 1)
      channel.send(
        .census(differences: parts.first.flatMap { UInt32($0) } ?? 0, first: parts.count > 1 ? String(parts[1]) : ""))
    case .died(let error):
      channel.send(.failed(LoadFailure(cause: .system, message: String(error.text.prefix(1000)))))
    case .exited: break
    }
    _exit(0)
  }

  /// A load that is no trial ends where its order turns out to be wrong.
  func leave(with objection: PreloadObjection) -> Never {
    channel.send(.objections([objection]))
    _exit(0)
  }
}

// What `Nacre::Host` asks about the preload.
extension HostProcess {
  /// The next file of the preload; nil if there is no more.
  public static func beginPreload() -> String? { current?.tracer.beginPreload() }
  /// Whether the file is to be loaded.
  public static func enterPreload() -> Bool { current?.tracer.enterPreload() ?? false }
  /// The file has been loaded, or has died.
  public static func endPreload(error: String) { current?.tracer.endPreload(error: error) }
  /// The preload is over.
  public static func sealPreload() { current?.tracer.sealPreload() }
}
