/* SPDX-License-Identifier: Apache-2.0
 *
 * probe.c: loads a plugin in a child process, which tells what it saw through a pipe.
 *
 * To load a plugin is to run its constructors, and those of whatever it links. One that
 * crashes, hangs or prints is to be a line in a table, not the end of the command.
 *
 * Invariants: the child has nothing but /dev/null and the pipe; what comes through it is
 * bounded in size and time and checked before it is believed.
 *
 * Failure modes: none of the caller's: each becomes the reason in the answer. */

#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cask/cask.h>
#include <cask/cask-plugin.h>

#define PROBE_FD 3
#define PROBE_LIMIT ((gsize) 1024 * 1024)
#define PROBE_TIMEOUT_SECONDS 10

static GVariant *probe_fail (guint code, const char *format, ...) G_GNUC_PRINTF (2, 3);

static GVariant *
probe_fail (guint code, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_autofree char *reason = g_utf8_make_valid (message, -1);
  GVariantDict answer;
  g_variant_dict_init (&answer, NULL);
  g_variant_dict_insert (&answer, PROBE_REASON, "s", reason);
  g_variant_dict_insert (&answer, PROBE_CODE, "u", code);
  return g_variant_ref_sink (g_variant_dict_end (&answer));
}

/* ---- The child ---- */

static void
probe_insert_text (GVariantDict *answer, const char *key, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text ? text : "", -1);
  g_variant_dict_insert (answer, key, "s", valid);
}

/* Those that are to be shown. */
static GVariant *
probe_describe_options (const CaskPluginInfo *info)
{
  GVariantBuilder options;
  g_variant_builder_init (&options, G_VARIANT_TYPE ("a" PROBE_OPTION_TYPE));
  for (guint i = 0; i < cask_plugin_info_get_n_options (info); i++)
    {
      if (cask_plugin_info_is_option_deprecated (info, i))
        continue;
      const char *fallback = cask_plugin_info_get_option_fallback (info, i);
      g_autofree char *name =
          g_utf8_make_valid (cask_plugin_info_get_option_name (info, i), -1);
      g_autofree char *type =
          g_utf8_make_valid (cask_plugin_info_get_option_type (info, i), -1);
      g_autofree char *help =
          g_utf8_make_valid (cask_plugin_info_get_option_help (info, i), -1);
      g_autofree char *valid_fallback = g_utf8_make_valid (fallback ? fallback : "", -1);
      g_variant_builder_add (&options, PROBE_OPTION_TYPE, name, type, help,
                             valid_fallback,
                             cask_plugin_info_is_option_required (info, i));
    }
  return g_variant_builder_end (&options);
}

static GVariant *
probe_describe (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskPluginInfo) info = cask_plugin_info_new (name, &error);
  if (!info)
    return probe_fail ((guint) error->code, "%s", error->message);

  g_autofree char *abi = g_strdup_printf ("%u.%u", CASK_PLUGIN_ABI_MAJOR,
                                          cask_plugin_info_get_abi_minor (info));
  GVariantDict answer;
  g_variant_dict_init (&answer, NULL);
  probe_insert_text (&answer, PROBE_VERSION, cask_plugin_info_get_version (info));
  probe_insert_text (&answer, PROBE_ABI, abi);
  probe_insert_text (&answer, PROBE_SUMMARY, cask_plugin_info_get_summary (info));
  probe_insert_text (&answer, PROBE_LICENSE, cask_plugin_info_get_license (info));
  probe_insert_text (&answer, PROBE_HOMEPAGE, cask_plugin_info_get_homepage (info));
  probe_insert_text (&answer, PROBE_PATH, cask_plugin_info_get_path (info));
  g_variant_dict_insert (&answer, PROBE_KIND, "u", cask_plugin_info_get_kind (info));
  g_variant_dict_insert (&answer, PROBE_LOCATION, "u",
                         cask_plugin_info_get_location (info));
  g_variant_dict_insert (&answer, PROBE_CHILDREN, "(uu)",
                         cask_plugin_info_get_min_children (info),
                         cask_plugin_info_get_max_children (info));
  g_variant_dict_insert (&answer, PROBE_CAPABILITIES, "t",
                         (guint64) cask_plugin_info_get_capabilities (info));
  g_variant_dict_insert_value (&answer, PROBE_OPTIONS, probe_describe_options (info));
  return g_variant_ref_sink (g_variant_dict_end (&answer));
}

/* Never returns. The process ends without exit handlers: the plugin's are among them. */
void
probe_answer (const char *name)
{
  static const struct rlimit no_core = { 0, 0 };
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  setrlimit (RLIMIT_CORE, &no_core);

  g_autoptr (GVariant) answer = probe_describe (name);
  const char *data = g_variant_get_data (answer);
  gsize left = g_variant_get_size (answer);
  while (left > 0)
    {
      gssize count = write (PROBE_FD, data, left);
      if (count < 0 && errno != EINTR)
        _exit (1);
      data += MAX (count, 0);
      left -= (gsize) MAX (count, 0);
    }
  _exit (0);
}

/* ---- The parent ---- */

static int
probe_spawn (const char *name, int pipe_fd, pid_t *child)
{
  g_autofree char *option = g_strdup_printf ("--probe=%s", name);
  char *const arguments[] = { "cask", "plugins", option, NULL };
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_addopen (&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen (&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen (&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2 (&actions, pipe_fd, PROBE_FD);
  int code = posix_spawn (child, "/proc/self/exe", &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy (&actions);
  return code;
}

/* Returns: FALSE where the deadline passes before fd is ready. */
static gboolean
probe_wait_for (int fd, gint64 deadline_usec)
{
  for (;;)
    {
      gint64 left_usec = deadline_usec - g_get_monotonic_time ();
      if (left_usec <= 0)
        return FALSE;
      struct pollfd ready = { .fd = fd, .events = POLLIN };
      int count = poll (&ready, 1, (int) (left_usec / 1000) + 1);
      if (count > 0)
        return TRUE;
      if (count < 0 && errno != EINTR)
        return FALSE;
    }
}

/* Returns: FALSE where what comes is too much or too late. */
static gboolean
probe_read (int fd, GByteArray *answer, gint64 deadline_usec)
{
  for (;;)
    {
      if (!probe_wait_for (fd, deadline_usec))
        return FALSE;
      guint8 buffer[16384];
      gssize count = read (fd, buffer, sizeof buffer);
      if (count < 0 && errno == EINTR)
        continue;
      if (count <= 0)
        return count == 0;
      if (answer->len + (gsize) count > PROBE_LIMIT)
        return FALSE;
      g_byte_array_append (answer, buffer, (guint) count);
    }
}

/* Reaps the child. One that has closed the pipe is about to end, unless its plugin did
 * that: it gets until the deadline, so that the status is its own. */
static int
probe_reap (pid_t child, gboolean is_ending, gint64 deadline_usec)
{
  int handle = is_ending ? pidfd_open (child, 0) : -1;
  if (handle >= 0)
    {
      probe_wait_for (handle, deadline_usec);
      close (handle);
    }
  kill (child, SIGKILL);
  int status = 0;
  while (waitpid (child, &status, 0) < 0 && errno == EINTR)
    continue;
  return status;
}

/* What a plugin did to the process that was to load it. */
static GVariant *
probe_fail_fatal (const char *subject, const char *deed)
{
  return probe_fail (CASK_ERROR_PLUGIN_INVALID,
                     "%s: %s: mend its constructors, or take it off the search path",
                     subject, deed);
}

static GVariant *
probe_parse (GByteArray *bytes, int status, const char *subject)
{
  g_autofree char *deed = NULL;
  if (WIFSIGNALED (status))
    deed = g_strdup_printf ("killed by signal %d (%s) when loaded", WTERMSIG (status),
                            strsignal (WTERMSIG (status)));
  else if (status != 0 || bytes->len == 0)
    deed = g_strdup_printf ("ended the process with status %d when loaded",
                            WEXITSTATUS (status));
  if (deed)
    return probe_fail_fatal (subject, deed);
  g_autoptr (GBytes) content = g_bytes_new (bytes->data, bytes->len);
  g_autoptr (GVariant) answer = g_variant_ref_sink (
      g_variant_new_from_bytes (G_VARIANT_TYPE_VARDICT, content, FALSE));
  if (!g_variant_is_normal_form (answer))
    return probe_fail_fatal (subject, "disturbed the process that loaded it");
  return g_steal_pointer (&answer);
}

/* A reason that names no file, such as that of a name which no plugin can have, is told
 * of the one that was asked about. Takes answer. */
static GVariant *
probe_with_file (GVariant *answer, const char *path)
{
  const char *reason = NULL;
  guint32 code = CASK_ERROR_PLUGIN_INVALID;
  if (!path || !g_variant_lookup (answer, PROBE_REASON, "&s", &reason) ||
      reason[0] == '/')
    return answer;
  g_autoptr (GVariant) bare = answer;
  g_variant_lookup (bare, PROBE_CODE, "u", &code);
  return probe_fail (code, "%s: %s", path, reason);
}

/* Returns: (transfer full): the answer about the plugin of that name */
GVariant *
probe_plugin (const char *name, const char *path)
{
  int ends[2];
  if (pipe2 (ends, O_CLOEXEC) != 0)
    return probe_fail (CASK_ERROR_IO, "pipe: %s", g_strerror (errno));
  pid_t child;
  int code = probe_spawn (name, ends[1], &child);
  close (ends[1]);
  if (code != 0)
    {
      close (ends[0]);
      return probe_fail (CASK_ERROR_IO, "cannot start a process: %s", g_strerror (code));
    }
  gint64 deadline_usec =
      g_get_monotonic_time () + PROBE_TIMEOUT_SECONDS * (gint64) G_USEC_PER_SEC;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gboolean complete = probe_read (ends[0], bytes, deadline_usec);
  close (ends[0]);
  int status = probe_reap (child, complete, deadline_usec);
  const char *subject = path ? path : name;
  g_autofree char *deed =
      g_strdup_printf ("no answer within %d seconds", PROBE_TIMEOUT_SECONDS);
  if (!complete)
    return probe_fail_fatal (subject, deed);
  return probe_with_file (probe_parse (bytes, status, subject), path);
}

GVariant *
probe_hidden (const char *path, const char *hidden_by)
{
  return probe_fail (CASK_ERROR_PLUGIN_NOT_FOUND,
                     "%s: hidden by %s, which is searched first: remove one of them",
                     path, hidden_by);
}
