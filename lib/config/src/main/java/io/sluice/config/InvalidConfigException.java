package io.sluice.config;

import io.sluice.failure.ExitStatus;
import io.sluice.failure.UserFailure;
import java.util.List;

/** One or more settings are wrong; the message lists all of them. Exit status 2. */
public final class InvalidConfigException extends UserFailure {
  private static final long serialVersionUID = 1L;

  private final transient List<String> problems;

  /**
   * @param source the file or command line the settings came from
   * @param problems one line a problem: where, what is wrong, the rule
   */
  public InvalidConfigException(String source, List<String> problems) {
    super(ExitStatus.BAD_SETTINGS, render(source, problems), null);
    this.problems = List.copyOf(problems);
  }

  /** The problems, one line each, without the heading. */
  public List<String> problems() {
    return problems;
  }

  private static String render(String source, List<String> problems) {
    var text = new StringBuilder();
    text.append("Invalid configuration %s, %d problem(s):".formatted(source, problems.size()));
    for (String problem : problems) {
      text.append("\n  - ").append(problem);
    }
    return text.toString();
  }
}
