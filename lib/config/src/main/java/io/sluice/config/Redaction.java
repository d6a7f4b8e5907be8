package io.sluice.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValueFactory;
import java.util.regex.Pattern;

/** Masks values whose key speaks of a secret, so that they reach no log, manifest or report. */
final class Redaction {
  private static final Pattern SECRET =
      Pattern.compile(
          "(?i)(password|passwd|secret|token|credential|access[.-]?key|private[.-]?key)");

  private Redaction() {}

  static Config of(Config config) {
    Config masked = config;
    for (var entry : config.entrySet()) {
      var path = ConfigUtil.splitPath(entry.getKey());
      if (SECRET.matcher(path.get(path.size() - 1)).find()) {
        masked = masked.withValue(entry.getKey(), ConfigValueFactory.fromAnyRef("(masked)"));
      }
    }
    return masked;
  }
}
