package io.sluice.config;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The problems found so far in one configuration, in the order they were met. */
final class Problems {
  private final List<String> messages = new ArrayList<>();

  void add(String where, String format, Object... args) {
    messages.add(where + ": " + format.formatted(args));
  }

  void addLine(String message) {
    messages.add(message);
  }

  boolean isEmpty() {
    return messages.isEmpty();
  }

  List<String> messages() {
    return Collections.unmodifiableList(messages);
  }
}
