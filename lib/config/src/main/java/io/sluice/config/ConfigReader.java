package io.sluice.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigMemorySize;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Reads one section of the settings into a record and remembers every problem on the way.
 *
 * <p>A value that is missing or out of range is reported and replaced by a stand-in, so reading
 * continues and later problems are found too. {@link Settings#read} throws before anyone sees a
 * stand-in. {@code null} in {@code reference.conf} means "no default": {@code optional…} accepts
 * it, every other method reports the setting as required.
 */
public final class ConfigReader {
  private final Config config;
  private final String prefix;
  private final Problems problems;
  private final Set<String> keysRead;

  ConfigReader(Config config, String prefix, Problems problems) {
    this(config, prefix, problems, new TreeSet<>());
  }

  /**
   * @param keysRead takes the full path of every key that is asked for
   */
  ConfigReader(Config config, String prefix, Problems problems, Set<String> keysRead) {
    this.config = config;
    this.prefix = prefix;
    this.problems = problems;
    this.keysRead = keysRead;
  }

  /** Reads a nested section. */
  public <T> T section(String key, Function<ConfigReader, T> body) {
    Config section =
        config.hasPath(key) ? config.getConfig(key) : com.typesafe.config.ConfigFactory.empty();
    return body.apply(new ConfigReader(section, prefix + key + ".", problems, keysRead));
  }

  /** An integer of at least {@code min}. */
  public int intAtLeast(String key, int min) {
    return intBetween(key, min, Integer.MAX_VALUE);
  }

  /** An integer in [min, max]. */
  public int intBetween(String key, int min, int max) {
    Integer value = value(key, "an integer", c -> exactInt(c, key));
    if (value == null) {
      return min;
    }
    if (value < min || value > max) {
      problems.add(
          where(key),
          max == Integer.MAX_VALUE
              ? "must be at least %1$d, but is %3$d"
              : "must be between %1$d and %2$d, but is %3$d",
          min,
          max,
          value);
      return min;
    }
    return value;
  }

  /** A long of any value, a seed for example. */
  public long longValue(String key) {
    Long value = value(key, "an integer", c -> c.getLong(key));
    return value == null ? 0 : value;
  }

  /** A number in the closed range [min, max]. */
  public double numberBetween(String key, double min, double max) {
    Double value = value(key, "a number", c -> c.getDouble(key));
    if (value == null) {
      return min;
    }
    if (!(value >= min && value <= max)) {
      problems.add(where(key), "must be between %s and %s, but is %s", min, max, value);
      return min;
    }
    return value;
  }

  /** A number in the half-open range (0, max], a learning rate for example. */
  public double positiveUpTo(String key, double max) {
    Double value = value(key, "a number", c -> c.getDouble(key));
    if (value == null) {
      return max;
    }
    if (!(value > 0 && value <= max)) {
      problems.add(where(key), "must be in (0, %s], but is %s", max, value);
      return max;
    }
    return value;
  }

  /** True or false. */
  public boolean flag(String key) {
    Boolean value = value(key, "true or false", c -> c.getBoolean(key));
    return value != null && value;
  }

  /** A string that is not blank. */
  public String string(String key) {
    String value = value(key, "a string", c -> c.getString(key));
    if (value == null) {
      return "";
    }
    if (value.isBlank()) {
      problems.add(where(key), "must not be blank");
    }
    return value;
  }

  /** A string, or empty where the setting is null. */
  public Optional<String> optionalString(String key) {
    return isSet(key) ? Optional.of(string(key)) : Optional.empty();
  }

  /** An integer of at least {@code min}, or empty where the setting is null. */
  public Optional<Integer> optionalIntAtLeast(String key, int min) {
    return isSet(key) ? Optional.of(intAtLeast(key, min)) : Optional.empty();
  }

  /** A number in [min, max], or empty where the setting is null. */
  public Optional<Double> optionalNumberBetween(String key, double min, double max) {
    return isSet(key) ? Optional.of(numberBetween(key, min, max)) : Optional.empty();
  }

  /** Whether the setting is {@code auto}, and so left to the program. */
  public boolean isAuto(String key) {
    keysRead.add(prefix + key);
    return config.hasPath(key) && "auto".equals(config.getValue(key).unwrapped());
  }

  /** A list of strings. */
  public List<String> strings(String key) {
    List<String> value = value(key, "a list of strings", c -> c.getStringList(key));
    return value == null ? List.of() : List.copyOf(value);
  }

  /** A list of integers, each at least {@code min}. */
  public List<Integer> intsAtLeast(String key, int min) {
    List<Integer> values = value(key, "a list of integers", c -> c.getIntList(key));
    if (values == null) {
      return List.of();
    }
    for (int i = 0; i < values.size(); i++) {
      if (values.get(i) < min) {
        problems.add(
            where(key),
            "must have values of at least %d, but value %d is %d",
            min,
            i + 1,
            values.get(i));
      }
    }
    return List.copyOf(values);
  }

  /** A list of numbers, each in the open range (min, max). */
  public List<Double> numbersWithin(String key, double min, double max) {
    List<Double> values = value(key, "a list of numbers", c -> c.getDoubleList(key));
    if (values == null) {
      return List.of();
    }
    for (int i = 0; i < values.size(); i++) {
      if (!(values.get(i) > min && values.get(i) < max)) {
        problems.add(
            where(key),
            "must have values in (%s, %s), but value %d is %s",
            min,
            max,
            i + 1,
            values.get(i));
      }
    }
    return List.copyOf(values);
  }

  /** A duration longer than zero: {@code 10 minutes}, {@code 1 h}, {@code 30 d}. */
  public Duration positiveDuration(String key) {
    Duration value = duration(key);
    if (value.isZero() && isSet(key) && problems.isEmpty()) {
      problems.add(
          where(key), "must be longer than zero, but is %s", config.getValue(key).unwrapped());
    }
    return value.isZero() ? Duration.ofNanos(1) : value;
  }

  /** A duration of zero or more. */
  public Duration duration(String key) {
    Duration value = value(key, "a duration such as \"10 minutes\"", c -> c.getDuration(key));
    if (value == null) {
      return Duration.ZERO;
    }
    if (value.isNegative()) {
      problems.add(where(key), "must not be negative, but is %s", config.getValue(key).unwrapped());
      return Duration.ZERO;
    }
    return value;
  }

  /** A size in bytes: {@code 512 MiB}. */
  public long bytes(String key) {
    ConfigMemorySize value = value(key, "a size such as 512 MiB", c -> c.getMemorySize(key));
    return value == null ? 0 : value.toBytes();
  }

  /** A time zone, {@code UTC} or {@code Europe/Berlin}. */
  public ZoneId zone(String key) {
    String text = string(key);
    try {
      return text.isBlank() ? ZoneId.of("UTC") : ZoneId.of(text);
    } catch (DateTimeException e) {
      problems.add(
          where(key), "must be a time zone such as UTC or Europe/Berlin, but is \"%s\"", text);
      return ZoneId.of("UTC");
    }
  }

  /** An instant in ISO 8601 with an offset, {@code 2024-01-01T00:00:00Z}; empty where null. */
  public Optional<Instant> optionalInstant(String key) {
    if (!isSet(key)) {
      return Optional.empty();
    }
    String text = string(key);
    try {
      return Optional.of(java.time.OffsetDateTime.parse(text).toInstant());
    } catch (DateTimeException e) {
      problems.add(
          where(key), "must be an instant such as 2024-01-01T00:00:00Z, but is \"%s\"", text);
      return Optional.empty();
    }
  }

  /** A date in ISO 8601, {@code 2024-05-01}; empty where null. */
  public Optional<LocalDate> optionalDate(String key) {
    if (!isSet(key)) {
      return Optional.empty();
    }
    String text = string(key);
    try {
      return Optional.of(LocalDate.parse(text));
    } catch (DateTimeException e) {
      problems.add(where(key), "must be a date such as 2024-05-01, but is \"%s\"", text);
      return Optional.empty();
    }
  }

  /**
   * A constant of an enum, written in kebab case: {@code MIN_MAX} is {@code min-max}.
   *
   * @return the constant, or the first one as a stand-in after a problem
   */
  public <E extends Enum<E>> E choice(String key, Class<E> type) {
    String text = value(key, "one of " + names(type), c -> c.getString(key));
    E[] constants = type.getEnumConstants();
    if (text == null) {
      return constants[0];
    }
    for (E constant : constants) {
      if (kebab(constant).equals(text)) {
        return constant;
      }
    }
    problems.add(
        where(key),
        "must be one of %s, but is \"%s\"%s",
        names(type),
        text,
        NearMiss.of(text, names(type)).map("; did you mean %s?"::formatted).orElse(""));
    return constants[0];
  }

  /** A list of constants of an enum, written in kebab case. */
  public <E extends Enum<E>> List<E> choices(String key, Class<E> type) {
    var chosen = new java.util.ArrayList<E>();
    for (String text : strings(key)) {
      Arrays.stream(type.getEnumConstants())
          .filter(c -> kebab(c).equals(text))
          .findFirst()
          .ifPresentOrElse(
              chosen::add,
              () ->
                  problems.add(
                      where(key),
                      "must have values of %s, but has \"%s\"%s",
                      names(type),
                      text,
                      NearMiss.of(text, names(type))
                          .map("; did you mean %s?"::formatted)
                          .orElse("")));
    }
    return List.copyOf(chosen);
  }

  /** A free map of strings, reader options for example; sorted by key. */
  public Map<String, String> stringMap(String key) {
    var map = new TreeMap<String, String>();
    if (!isSet(key)) {
      return map;
    }
    for (Map.Entry<String, ConfigValue> entry : config.getObject(key).entrySet()) {
      ConfigValue value = entry.getValue();
      if (value.valueType() == ConfigValueType.OBJECT
          || value.valueType() == ConfigValueType.LIST) {
        problems.add(
            where(prefix + key + "." + ConfigUtil.quoteString(entry.getKey()), value),
            "must be a plain value, but is %s",
            value.render());
      } else {
        map.put(entry.getKey(), String.valueOf(value.unwrapped()));
      }
    }
    return map;
  }

  /** True where the setting has a value other than null. */
  public boolean isSet(String key) {
    keysRead.add(prefix + key);
    return config.hasPath(key);
  }

  /** True where the setting is null, or has the value of {@code reference.conf}, whoever set it. */
  public boolean isDefault(String key) {
    keysRead.add(prefix + key);
    String path = prefix + key;
    return !config.hasPath(key)
        || (Defaults.ALL.hasPath(path) && config.getValue(key).equals(Defaults.ALL.getValue(path)));
  }

  /** Parsed by whoever asks first. */
  private static final class Defaults {
    static final Config ALL = Settings.reference().resolve();
  }

  /**
   * Reports a rule that spans several keys; {@code key} is the one the user should change.
   *
   * <p>Skipped once a value was unreadable: the rule would be judging a stand-in.
   */
  public void check(boolean holds, String key, String format, Object... args) {
    if (!holds && problems.isEmpty()) {
      problems.add(where(key), format, args);
    }
  }

  private static int exactInt(Config config, String key) {
    double number = config.getDouble(key);
    if (number != Math.rint(number)) {
      throw new ConfigException.WrongType(
          config.getValue(key).origin(), key + " is not an integer");
    }
    return config.getInt(key);
  }

  private <T> T value(String key, String expected, Function<Config, T> getter) {
    keysRead.add(prefix + key);
    try {
      return getter.apply(config);
    } catch (ConfigException.Missing e) {
      problems.add(prefix + key, "is required (%s)", expected);
    } catch (ConfigException.WrongType | ConfigException.BadValue e) {
      problems.add(where(key), "must be %s, but is %s", expected, config.getValue(key).render());
    }
    return null;
  }

  private String where(String key) {
    return config.hasPath(key) ? where(prefix + key, config.getValue(key)) : prefix + key;
  }

  /** "model.layers (conf/train.conf: 7)": the path, then file and line where it was set. */
  static String where(String path, ConfigValue value) {
    return "%s (%s)".formatted(path, origin(value));
  }

  /** "conf/train.conf: 7": file and line where a value was set. */
  static String origin(ConfigValue value) {
    String origin = value.origin().description();
    // one spelling for "reference.conf @ jar:file:/…" and friends
    int at = origin.indexOf(" @ ");
    if (at > 0) {
      int colon = origin.lastIndexOf(": ");
      origin = origin.substring(0, at) + (colon > at ? origin.substring(colon) : "");
    }
    // where the defaults lie in the source tree, and as the manual calls them
    return origin.replace("io/sluice/reference.conf", "conf/reference.conf");
  }

  private static <E extends Enum<E>> List<String> names(Class<E> type) {
    return Arrays.stream(type.getEnumConstants()).map(ConfigReader::kebab).toList();
  }

  /** The spelling of a constant in a settings file. */
  public static String kebab(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
