import ArgumentParser
import Supervision

@main
struct Nacre: ParsableCommand {
  func run() {}
}
