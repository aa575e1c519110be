import Glibc
import SourceFiles

/// Where Nacre's own files are: beside the installed program (`PREFIX/lib/nacre`), or in the source tree.
public struct NacreFiles: Equatable, Sendable {
  /// The directory of the program itself, absolute and without links.
  public var programDirectory: String

  /// The files of this program.
  public init() { programDirectory = SourceFiles.directory(of: resolved("/proc/self/exe")) }

  /// The files of a program in this directory.
  init(programDirectory: String) { self.programDirectory = programDirectory }

  /// The directory that holds `Nacre/Host.pm`.
  public func perlLibrary() throws(StartupError) -> String {
    let installed = "\(SourceFiles.directory(of: programDirectory))/lib/nacre/perl"
    if isFile("\(installed)/Nacre/Host.pm") { return installed }
    // In a source tree the program lies some directories below the root (.build/debug).
    var directory = programDirectory
    while directory != "/" {
      if isFile("\(directory)/perl/lib/Nacre/Host.pm") { return "\(directory)/perl/lib" }
      directory = SourceFiles.directory(of: directory)
    }
    throw StartupError("Nacre's Perl files are not in \(installed): install again with `make install`.")
  }

  /// The dynamic library for `perl`.
  public func extensionLibrary(for perl: PerlInstallation) throws(StartupError) -> String {
    let installed =
      "\(SourceFiles.directory(of: programDirectory))/lib/nacre/\(perl.version)/\(perl.architecture)/Nacre.so"
    let built = "\(programDirectory)/libNacre.so"
    if let found = [installed, built].first(where: isFile) { return found }
    throw StartupError(
      "there is no Nacre.so for perl \(perl.version) (\(perl.architecture), \(perl.program)): looked for \(installed) "
        + "and \(built). Build it with `make install PERL=\(perl.program)`.")
  }
}
