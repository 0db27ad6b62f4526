// Groups for tests.

import { callers, unique } from './player.mjs';

export const [LEADER, ADMIN, MEMBER, ASKING, BANNED] = [0, 1, 2, 3, 4];

// A group led by the first of these players, which the others have joined, or ask to join if it is closed.
export async function groupOf(settings, ...names) {
  const all = await callers(...names);
  return { all, ...(await groupBy(settings, ...all)) };
}

export async function groupBy(settings, leader, ...others) {
  const { id, name } = await leader.http.createGroup({ name: unique('group'), ...settings });
  for (const player of others) await player.http.joinGroup(id);
  return { id, name };
}

// The client's own parameters are called state and limit, and it sends them the other way round.
export const userGroups = (player, userId, { state, limit, cursor } = {}) =>
  player.http.listUserGroups(userId, limit, state, cursor);

// What a player is in which group: `[[group id, state], ...]`.
export async function groupsOf(player, filter) {
  const { user_groups: groups } = await userGroups(player, player.userId, filter);
  return groups.map(({ group, state }) => [group.id, state]);
}

// Who is in a group and what: `[[user id, state], ...]`.
export async function membersOf(player, id, ...filter) {
  const { group_users: users } = await player.http.listGroupUsers(id, ...filter);
  return users.map(({ user, state }) => [user.id, state]);
}
