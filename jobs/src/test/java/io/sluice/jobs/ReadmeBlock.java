package io.sluice.jobs;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A fenced block of shell commands, and the HTML comment right above it, which says how it is
 * tested:
 *
 * <pre>{@code
 * <!-- tested -->                                          as it is
 * <!-- tested with KEY=VALUE … -->                         with settings that make it short
 * <!-- tested reading FILE [with KEY=VALUE …] -->          where the test data have the file
 * <!-- tested by .ci/run -->                               a command that no test can run
 * }</pre>
 *
 * @param page the file, relative to the project's root
 * @param line of the fence, from 1
 * @param mark the line above, empty where it is no mark
 * @param commands the lines between the fences
 */
record ReadmeBlock(String page, int line, String mark, String commands) {
  static final String BY_CI = "<!-- tested by .ci/run -->";

  private static final Pattern TESTED =
      Pattern.compile(
          "<!-- tested(?: reading (?<data>\\S+))?(?: with (?<settings>\\S+=\\S+(?: \\S+=\\S+)*))? -->");
  private static final Set<String> SHELLS =
      Set.of("sh", "bash", "zsh", "shell", "console", "shell-session");
  private static final String FENCE = "```";

  /** The blocks of shell commands in a page, in order. */
  static List<ReadmeBlock> of(String page, String markdown) {
    var blocks = new ArrayList<ReadmeBlock>();
    List<String> lines = markdown.lines().toList();
    for (int open = 0; open < lines.size(); open++) {
      if (!lines.get(open).startsWith(FENCE)) {
        continue;
      }
      int close = open + 1;
      while (close < lines.size() && !lines.get(close).equals(FENCE)) {
        close++;
      }
      if (SHELLS.contains(lines.get(open).substring(FENCE.length()).strip())) {
        String above = open == 0 ? "" : lines.get(open - 1);
        String mark = above.equals(BY_CI) || TESTED.matcher(above).matches() ? above : "";
        String commands = String.join("\n", lines.subList(open + 1, close)) + "\n";
        blocks.add(new ReadmeBlock(page, open + 1, mark, commands));
      }
      open = close;
    }
    return blocks;
  }

  boolean runs() {
    return TESTED.matcher(mark).matches();
  }

  /** The file that the commands read, below the folder of the test data. */
  Optional<String> data() {
    return Optional.ofNullable(matched().group("data"));
  }

  /** The commands; each of {@code submit-scripts/} gets the mark's settings and the lake. */
  String script(Path lake) {
    var added = new StringBuilder(" --set 'lake.root=\"" + lake + "\"'");
    String settings = matched().group("settings");
    for (String setting : settings == null ? new String[0] : settings.split(" ")) {
      added.append(" --set '").append(setting).append('\'');
    }
    var script = new StringBuilder("#!/usr/bin/env bash\nset -euo pipefail\n");
    for (String command : commands.replaceAll("\\\\\n\\s*", "").lines().toList()) {
      int end = command.contains(" -- ") ? command.indexOf(" -- ") : command.length();
      script.append(
          command.startsWith("submit-scripts/")
              ? command.substring(0, end) + added + command.substring(end)
              : command);
      script.append('\n');
    }
    return script.toString();
  }

  private Matcher matched() {
    Matcher matcher = TESTED.matcher(mark);
    if (!matcher.matches()) {
      throw new IllegalStateException(this + " is not run");
    }
    return matcher;
  }

  @Override
  public String toString() {
    return "%s:%d %s".formatted(page, line, commands.lines().findFirst().orElse(""));
  }
}
