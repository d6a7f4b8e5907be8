package io.sluice.jobs;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The command line, the same for all jobs. */
@Command(
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = false,
    usageHelpWidth = 100,
    synopsisHeading = "Usage: ",
    descriptionHeading = "%n",
    optionListHeading = "%nOptions:%n")
final class JobCommand {
  // required, but JobMain says so: picocli would speak of it before an option that is misspelt
  @Option(
      names = "--config",
      paramLabel = "FILE",
      description =
          "Experiment file (HOCON). It names only what differs from conf/reference.conf; one file"
              + " serves a whole chain of jobs.")
  Path config;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description =
          "Overrides one setting, e.g. --set train.epochs=5. May be repeated; the last one of a key"
              + " wins.")
  List<String> overrides = new ArrayList<>();

  @Option(
      names = {"--explain", "--print-config"},
      description =
          "Shows every setting this job reads, its value and the file and line it comes from, and"
              + " what a training run would be with them, then stops. Secrets are masked.")
  boolean explain;
}
