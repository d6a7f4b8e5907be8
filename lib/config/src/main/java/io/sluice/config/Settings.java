package io.sluice.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The settings of one run: {@code --set} overrides over an experiment file over {@code
 * reference.conf}, merged explicitly, so that no system property or file of another library on the
 * class path can slip in.
 *
 * <p>Loading does not fail on a wrong value: {@link #read} does, once, with every problem found in
 * the file, whether an unknown key anywhere or a value out of range in the section that is read.
 */
public final class Settings {
  private static final String REFERENCE = "io/sluice/reference.conf";

  private final String source;
  private final Config config;
  private final Problems keyProblems;

  private Settings(String source, Config config, Problems keyProblems) {
    this.source = source;
    this.config = config;
    this.keyProblems = keyProblems;
  }

  /**
   * Loads an experiment file over the defaults.
   *
   * @param file a HOCON file; {@code include} works relative to it
   * @param overrides {@code key=value} pairs, HOCON values, the last one of a key wins
   * @throws InvalidConfigException if the file is absent or cannot be parsed, or an override has no
   *     {@code =}
   */
  public static Settings load(Path file, List<String> overrides) {
    if (!Files.isReadable(file)) {
      throw new InvalidConfigException(
          file.toString(),
          List.of("%s: cannot be read; give an existing file to --config".formatted(file)));
    }
    return merge(file.toString(), parse(file), overrides);
  }

  /** Settings from text, for tests and for callers that hold no file. */
  public static Settings parse(String hocon, String... overrides) {
    var options = ConfigParseOptions.defaults().setOriginDescription("(text)");
    return merge("(text)", ConfigFactory.parseString(hocon, options), List.of(overrides));
  }

  private static Config parse(Path file) {
    try {
      return ConfigFactory.parseFile(
          file.toFile(), ConfigParseOptions.defaults().setSyntax(ConfigSyntax.CONF));
    } catch (ConfigException e) {
      throw new InvalidConfigException(file.toString(), List.of(e.getMessage()));
    }
  }

  private static Settings merge(String source, Config user, List<String> overrides) {
    Config reference =
        ConfigFactory.parseResources(
            Settings.class.getClassLoader(),
            REFERENCE,
            ConfigParseOptions.defaults().setAllowMissing(false));
    Config given = parseOverrides(source, overrides).withFallback(user);
    var problems = new Problems();
    new KeyCheck(problems).check("", given.root(), reference.root());
    try {
      return new Settings(source, given.withFallback(reference).resolve(), problems);
    } catch (ConfigException e) {
      throw new InvalidConfigException(source, List.of(e.getMessage()));
    }
  }

  private static Config parseOverrides(String source, List<String> overrides) {
    Config merged = ConfigFactory.empty();
    for (String override : overrides) {
      int equals = override.indexOf('=');
      if (equals <= 0) {
        throw new InvalidConfigException(
            source, List.of("--set %s: must have the form key=value".formatted(override)));
      }
      merged = parseOverride(source, override, equals).withFallback(merged);
    }
    return merged;
  }

  private static Config parseOverride(String source, String override, int equals) {
    var options = ConfigParseOptions.defaults().setOriginDescription("--set " + override);
    try {
      return ConfigFactory.parseString(override, options);
    } catch (ConfigException e) {
      // a bare path or date is not HOCON; taken as the string it plainly is
      String key = override.substring(0, equals).trim();
      try {
        return ConfigFactory.parseMap(
            Map.of(key, override.substring(equals + 1).trim()), "--set " + override);
      } catch (ConfigException.BadPath bad) {
        throw new InvalidConfigException(
            source, List.of("--set %s: %s".formatted(override, e.getMessage())));
      }
    }
  }

  /**
   * Reads sections into a record, or throws one exception that lists every problem in the file.
   *
   * @param body reads what the job needs; sections of other jobs are left alone
   */
  public <T> T read(Function<ConfigReader, T> body) {
    var problems = new Problems();
    keyProblems.messages().forEach(problems::addLine);
    T result = body.apply(new ConfigReader(config, "", problems));
    if (!problems.isEmpty()) {
      throw new InvalidConfigException(source, problems.messages());
    }
    return result;
  }

  /**
   * The keys that a record is read from: what holds {@code reference.conf} and the code to each
   * other.
   *
   * @param body as in {@link #read}; values that it refuses are no matter here
   */
  public Set<String> keysReadBy(Consumer<ConfigReader> body) {
    var keys = new TreeSet<String>();
    body.accept(new ConfigReader(config, "", new Problems(), keys));
    return keys;
  }

  /** Every key of {@code reference.conf} that takes a value, by its full path. */
  public static Set<String> knownKeys() {
    var keys = new TreeSet<String>();
    addKeys("", reference().root(), keys);
    return keys;
  }

  private static void addKeys(String prefix, ConfigObject section, Set<String> keys) {
    section.forEach(
        (key, value) -> {
          if (KeyCheck.isSection(value)) {
            addKeys(prefix + key + ".", (ConfigObject) value, keys);
          } else {
            keys.add(prefix + key);
          }
        });
  }

  /** The file these settings came from. */
  public String source() {
    return source;
  }

  /** The resolved settings as HOCON, for the log and for provenance; secrets are masked. */
  public String render() {
    return Redaction.of(config)
        .root()
        .render(
            ConfigRenderOptions.defaults()
                .setOriginComments(false)
                .setComments(false)
                .setJson(false));
  }

  /**
   * Each setting of some sections with its value and where it was set, one a line, in the order of
   * the alphabet; secrets are masked.
   *
   * <pre>
   * window.horizon = 24          # conf/reference.conf: 94
   * window.look-back = 48        # conf/pump.conf: 3
   * window.stride = 5            # --set window.stride=5
   * </pre>
   *
   * @param sections top-level names: {@code name}, {@code window}
   */
  public String explain(Collection<String> sections) {
    return Explanation.ofAll(config, Redaction.of(config), sections);
  }

  /** {@link #explain} without the settings that have their default. */
  public String explainSet(Collection<String> sections) {
    return Explanation.ofSet(config, Redaction.of(config), sections);
  }

  /** The merged and resolved tree, for readers that need more than a section. */
  Config config() {
    return config;
  }

  static Config reference() {
    return ConfigFactory.parseResources(
        Settings.class.getClassLoader(),
        REFERENCE,
        ConfigParseOptions.defaults().setAllowMissing(false));
  }

  /** Refuses keys that {@code reference.conf} does not have, and names the nearest that it has. */
  private record KeyCheck(Problems problems) {
    void check(String prefix, ConfigObject given, ConfigObject known) {
      for (Map.Entry<String, ConfigValue> entry : given.entrySet()) {
        String path =
            prefix + ConfigUtil.quoteString(entry.getKey()).replaceAll("^\"([\\w-]+)\"$", "$1");
        ConfigValue reference = known.get(entry.getKey());
        if (reference == null) {
          problems.add(
              ConfigReader.where(path, entry.getValue()),
              "is not a known setting; %s",
              NearMiss.suggestion(entry.getKey(), known.keySet()));
        } else if (isSection(reference)) {
          if (entry.getValue().valueType() != ConfigValueType.OBJECT) {
            problems.add(
                ConfigReader.where(path, entry.getValue()),
                "must be a section { … }, but is %s",
                entry.getValue().render());
          } else {
            check(path + ".", (ConfigObject) entry.getValue(), (ConfigObject) reference);
          }
        }
      }
    }

    // an empty object in reference.conf is a free map (reader options, per-channel choices)
    private static boolean isSection(ConfigValue reference) {
      return reference instanceof ConfigObject object && !object.isEmpty();
    }
  }
}
