package io.sluice.jobs;

import io.sluice.failure.ExitStatus;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.UsageMessageSpec;

/** The text of {@code --help}. */
final class Usage {
  private Usage() {}

  static CommandLine commandLine(Job<?, ?> job, JobCommand command) {
    var line = new CommandLine(command);
    line.setCommandName(job.name() + ".sh");
    line.getCommandSpec().parser().collectErrors(false);
    UsageMessageSpec usage = line.getCommandSpec().usageMessage();
    usage.description(job.purpose());
    usage.footer(footer(job).toArray(String[]::new));
    return line;
  }

  private static List<String> footer(Job<?, ?> job) {
    var footer = new ArrayList<String>();
    footer.add("");
    footer.add("Settings:");
    footer.add("  Reads the sections " + String.join(", ", job.sections()) + ".");
    footer.add("  conf/reference.conf has every setting, its default and its meaning.");
    footer.add("");
    footer.add("Spark:");
    footer.add("  The script hands what follows -- to spark-submit, and listens to SPARK_HOME,");
    footer.add(
        "  SLUICE_MASTER (default local[*]) and SLUICE_SPARK_CONF; submit-scripts/README.md");
    footer.add("  has these and the memory settings.");
    footer.add("");
    footer.add("Examples:");
    job.examples()
        .forEach(
            example ->
                footer.add((example.startsWith(" ") ? "  " : "  submit-scripts/") + example));
    footer.add("");
    footer.add("Output:");
    footer.add(
        "  The last line on standard output is a JSON object with the report; log and progress");
    footer.add("  go to standard error.");
    footer.add("");
    footer.add("Exit status:");
    for (ExitStatus status : ExitStatus.values()) {
      footer.add("  %d  %s".formatted(status.code(), meaning(status)));
    }
    return footer;
  }

  private static String meaning(ExitStatus status) {
    return switch (status) {
      case DONE -> "done";
      case FAILED -> "anything else";
      case BAD_SETTINGS -> "bad settings or usage";
      case BAD_INPUT -> "bad or missing input data";
      case GATE_REFUSED -> "a quality gate said no";
      case CLUSTER_TOO_SMALL -> "the cluster cannot hold the job";
    };
  }
}
