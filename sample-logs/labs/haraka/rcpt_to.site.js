// the site's own list of recipients
exports.hook_rcpt = function (next, connection, params) {
  const user = params[0].user
  if (params[0].host !== 'lab.test') return next()
  if (user === 'alice' || user === 'bob' || user === '"alice"') return next()
  return next(DENY, `No such user here: ${params[0].address}`)
}
