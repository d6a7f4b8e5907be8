package io.sluice.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import com.typesafe.config.ConfigValueType;
import java.util.regex.Pattern;

/**
 * Masks values whose key speaks of a secret, and the user part of URIs, so that neither reaches a
 * log, a manifest or a report.
 *
 * <p>The whole path is looked at: an unquoted {@code options.fs.s3a.secret.key} ends in a harmless
 * {@code key}. Tokens of a text, which some settings count, are no secret.
 */
final class Redaction {
  private static final String MASK = "(masked)";
  private static final Pattern SECRET =
      Pattern.compile(
          "(?i)(password|passwd|secret|token(?!i)|credential|(access|private|account|sas|api)[._-]?key)");

  private static final Pattern OF_TEXT = Pattern.compile("(text|generate|score)\\.[a-z-]*tokens");
  private static final Pattern USER_INFO = Pattern.compile("(?<=://)[^/@\\s]+(?=@)");
  private static final Pattern URI_PARAMETER =
      Pattern.compile("(?i)(?<=[?&;](password|sig|token|secret)=)[^&;\\s]+");

  private Redaction() {}

  static Config of(Config config) {
    Config masked = config;
    for (var entry : config.entrySet()) {
      String path = String.join(".", ConfigUtil.splitPath(entry.getKey()));
      ConfigValue value = entry.getValue();
      if (SECRET.matcher(path).find() && !OF_TEXT.matcher(path).matches()) {
        masked = masked.withValue(entry.getKey(), ConfigValueFactory.fromAnyRef(MASK));
      } else if (value.valueType() == ConfigValueType.STRING) {
        String text = (String) value.unwrapped();
        String shown = maskUri(text);
        if (!shown.equals(text)) {
          masked = masked.withValue(entry.getKey(), ConfigValueFactory.fromAnyRef(shown));
        }
      }
    }
    return masked;
  }

  private static String maskUri(String text) {
    return URI_PARAMETER.matcher(USER_INFO.matcher(text).replaceAll(MASK)).replaceAll(MASK);
  }
}
